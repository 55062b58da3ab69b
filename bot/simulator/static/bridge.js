// What a Mini App may ask of Telegram: the events of telegram-web-app.js, by their names.
import { act, get, state, tell, trying } from "./api.js";
import { openLink } from "./chat.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { app, closeApp, drawBars, openInvoice, paint, parts, send, sendSafeArea, sendTheme, sendViewport } from "./phone.js";
import { alertIn } from "./sheets.js";

const botName = document.getElementById("app").dataset.botName;
const MAX_POPUP_BUTTONS = 3;
let hapticTimer = 0;

function haptic({ type, impact_style: style, notification_type: note }) {
  const label = type === "impact" ? `impact · ${style}` : type === "notification" ? `notification · ${note}` : "selection";
  const heavy = type === "notification" || style === "heavy" || style === "rigid";
  parts.phone.dataset.haptic = label;
  parts.haptic.replaceChildren(icon("buzz"), h("span", {}, label));
  parts.haptic.classList.add("is-on");
  parts.phone.classList.remove("is-buzzing", "is-buzzing--heavy");
  void parts.phone.offsetWidth; // restarts the animation
  parts.phone.classList.add(heavy ? "is-buzzing--heavy" : "is-buzzing");
  clearTimeout(hapticTimer);
  hapticTimer = setTimeout(() => { parts.haptic.classList.remove("is-on"); }, 900);
}

async function popup({ title, message, buttons }) {
  const id = await alertIn(parts.phone, { title, message, buttons: (buttons || []).slice(0, MAX_POPUP_BUTTONS) });
  send("popup_closed", id === null ? {} : { button_id: id });
}

async function externalLink({ url }) {
  if (!/^https?:\/\//i.test(url || "")) return;
  const answer = await alertIn(parts.phone, { title: t("openLink"), message: url, buttons: [{ id: "", type: "cancel" }, { id: "open", type: "default", text: t("open") }] });
  if (answer === "open") window.open(url, "_blank", "noopener");
}

async function writeAccess() {
  const person = state.person;
  let allowed = person.started && !person.blocked;
  if (!allowed) {
    const answer = await alertIn(parts.phone, { message: t("allowWrite", { bot: botName }), buttons: [{ id: "", type: "cancel" }, { id: "allow", type: "default", text: t("allow") }] });
    allowed = answer === "allow";
    if (allowed) await trying(() => act("/write-access", { granted: true }));
  }
  send("write_access_requested", { status: allowed ? "allowed" : "cancelled" });
}

async function download({ url, file_name: name }) {
  const answer = /^https?:\/\//i.test(url || "")
    ? await alertIn(parts.phone, { title: t("downloadFile"), message: name, buttons: [{ id: "", type: "cancel" }, { id: "ok", type: "default", text: t("download") }] }) : null;
  if (answer === "ok") {
    const link = h("a", { href: url, download: name, target: "_blank", rel: "noopener" });
    document.body.append(link);
    link.click();
    link.remove();
  }
  send("file_download_requested", { status: answer === "ok" ? "downloading" : "cancelled" });
}

async function sharePrepared({ id }) {
  const message = await trying(() => get(`/personas/${state.me}/prepared?id=${encodeURIComponent(id || "")}`));
  if (!message) return send("prepared_message_failed", { error: "MESSAGE_EXPIRED" });
  const answer = await alertIn(parts.phone, { title: t("share"), message: message.text, buttons: [{ id: "", type: "cancel" }, { id: "ok", type: "default", text: t("send") }] });
  if (answer !== "ok") return send("prepared_message_failed", { error: "USER_DECLINED" });
  const sent = await trying(() => act("/prepared", { id }));
  return sent ? send("prepared_message_sent") : send("prepared_message_failed", { error: "MESSAGE_SEND_FAILED" });
}

const setup = (name) => (data) => { app[name] = data; drawBars(); };
const color = (name) => ({ color: value }) => { if (/^#[0-9a-f]{6}$/i.test(value || "")) { app.colors[name] = value; paint(); } };

/** Handlers by event name; each gets eventData. What Telegram Web cannot do either is answered so. */
const handlers = {
  iframe_ready({ reload_supported: reloads }) { app.reloads = Boolean(reloads); },
  iframe_will_reload() { parts.view.classList.remove("is-ready"); },
  web_app_ready() { parts.view.classList.add("is-ready"); },
  web_app_expand: sendViewport,
  web_app_close() { closeApp(); },
  web_app_request_theme: sendTheme,
  web_app_request_viewport: sendViewport,
  web_app_request_safe_area: sendSafeArea,
  web_app_request_content_safe_area: sendSafeArea,
  web_app_setup_back_button({ is_visible: visible }) { app.back = Boolean(visible); drawBars(); },
  web_app_setup_settings_button({ is_visible: visible }) { app.settings = Boolean(visible); },
  web_app_setup_main_button: setup("main"),
  web_app_setup_secondary_button: setup("secondary"),
  web_app_setup_closing_behavior({ need_confirmation: needed }) { app.confirmClosing = Boolean(needed); },
  web_app_set_header_color({ color_key: key, color: value }) {
    app.colors.headerKey = key;
    app.colors.header = /^#[0-9a-f]{6}$/i.test(value || "") ? value : "";
    paint();
  },
  web_app_set_background_color: color("page"),
  web_app_set_bottom_bar_color: color("bottom"),
  web_app_trigger_haptic_feedback: haptic,
  web_app_open_popup: popup,
  web_app_open_link: externalLink,
  web_app_open_tg_link({ path_full: path }) { openLink(`https://t.me${String(path || "")}`); },
  web_app_open_invoice({ slug }) { openInvoice(String(slug || ""), true); },
  web_app_request_write_access: writeAccess,
  web_app_request_file_download: download,
  web_app_data_send({ data }) { tell("sent-data", String(data ?? "")); closeApp(true); },
  web_app_request_phone() { send("phone_requested", { status: "cancelled" }); },
  web_app_request_fullscreen() { send("fullscreen_failed", { error: "UNSUPPORTED" }); },
  web_app_check_home_screen() { send("home_screen_checked", { status: "unsupported" }); },
  web_app_send_prepared_message: sharePrepared,
  web_app_read_text_from_clipboard({ req_id: id }) { send("clipboard_text_received", { req_id: id }); },
  web_app_invoke_custom_method({ req_id: id }) { send("custom_method_invoked", { req_id: id, error: "UNSUPPORTED" }); },
};

addEventListener("message", (event) => {
  if (!app || event.source !== app.frame.contentWindow || typeof event.data !== "string") return;
  let message;
  try { message = JSON.parse(event.data); } catch { return; }
  const data = message.eventData && typeof message.eventData === "object" ? message.eventData : {};
  if (Object.hasOwn(handlers, message.eventType)) handlers[message.eventType](data);
});

// The phone: Telegram's frame around the Mini App, its header and bottom buttons.
import { act, get, on, post, state, tell, trying } from "./api.js";
import { ask, h, icon, openMenu, toast } from "./dom.js";
import { clock, t } from "./i18n.js";
import { alertIn, invoiceSheet } from "./sheets.js";

const stage = document.getElementById("stage");
const botName = document.getElementById("app").dataset.botName;
const SIGNAL = '<svg viewBox="0 0 66 14" aria-hidden="true"><path d="M0 9h2.6v4H0zM4.3 6.6h2.6V13H4.3zM8.6 4.2h2.6V13H8.6zM12.9 1.4h2.6V13h-2.6zM29.5 2.2c2.9 0 5.5 1.1 7.5 3l-1.6 1.7a8.5 8.5 0 0 0-11.8 0L22 5.2a10.9 10.9 0 0 1 7.5-3Zm0 4.3c1.7 0 3.3.7 4.5 1.8l-4.5 4.7L25 8.3a6.5 6.5 0 0 1 4.5-1.8Z"/><rect x="43.5" y="1.5" width="19" height="11" rx="3.4" fill="none" stroke="currentColor"/><rect x="45.3" y="3.3" width="13" height="7.4" rx="1.9"/><path d="M64 5.5c1.5.4 1.5 2.6 0 3Z"/></svg>';

/** The Mini App that is open, or null: its launch, its frame's window, and what it asked Telegram to show. */
export let app = null;
export const parts = {};

const hidden = (element, value) => { element.hidden = value; };
const isDark = (color) => {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt((color || "#ffffff").slice(at, at + 2), 16));
  return 0.299 * r + 0.587 * g + 0.114 * b < 140;
};

/** Send an event to the Mini App, as Telegram Web does. */
export function send(eventType, eventData = {}) {
  app?.frame.contentWindow?.postMessage(JSON.stringify({ eventType, eventData }), app.origin);
}

/** Send the theme. */
export function sendTheme() {
  send("theme_changed", { theme_params: state.info.themes[state.theme] });
}
/** Send the size of the view, in CSS pixels. */
export function sendViewport() {
  const { clientHeight: height, clientWidth: width } = parts.view;
  send("viewport_changed", { height, width, is_expanded: true, is_state_stable: true });
}
/** Send the safe areas: the home indicator's 34 pixels, unless the bottom bar covers them. */
export function sendSafeArea() {
  send("safe_area_changed", { top: 0, bottom: parts.bottom.hidden ? 34 : 0, left: 0, right: 0 });
  send("content_safe_area_changed", { top: 0, bottom: 0, left: 0, right: 0 });
}

/** Colour the header, the page behind the app and the bottom bar as the app asked, else by the theme. */
export function paint() {
  const theme = state.info.themes[state.theme];
  const look = app?.colors || {};
  const header = look.header || theme[look.headerKey] || theme.bg_color;
  parts.phone.style.setProperty("--tg-header", header);
  parts.nav.style.color = parts.status.style.color = app && !app.minimised ? (isDark(header) ? "#ffffff" : "#000000") : "";
  parts.phone.style.setProperty("--tg-page", look.page || theme.bg_color);
  parts.phone.style.setProperty("--tg-bottom", look.bottom || theme.bottom_bar_bg_color);
}

/** Draw the header's buttons and the bottom bar from what the app asked for. */
export function drawBars() {
  const back = Boolean(app?.back);
  parts.left.replaceChildren(...(back ? [icon("back", "icon--dir"), t("back")] : [t("close")]));
  parts.left.dataset.role = back ? "back" : "close";
  const buttons = ["main", "secondary"].filter((name) => app?.[name]?.is_visible);
  const wasHidden = parts.bottom.hidden;
  hidden(parts.bottom, !buttons.length);
  const position = app?.secondary?.position || "left";
  parts.bottom.classList.toggle("is-stacked", position === "top" || position === "bottom");
  const order = position === "right" || position === "bottom" ? buttons : [...buttons].reverse();
  parts.bottom.replaceChildren(...order.map((name) => {
    const { text, is_active: active, is_progress_visible: busy, has_shine_effect: shine, color, text_color: fg } = app[name];
    const button = h("button", { class: `big ${busy ? "is-busy" : ""} ${shine ? "has-shine" : ""}`, id: `${name}-button`, disabled: active === false, "aria-busy": busy ? "true" : null,
      onclick: () => send(`${name}_button_pressed`) }, text);
    button.style.setProperty("--big-bg", color || "var(--tg-theme-button-color)");
    button.style.setProperty("--big-fg", fg || "var(--tg-theme-button-text-color)");
    return button;
  }));
  if (wasHidden !== parts.bottom.hidden) sendSafeArea();
}

function drawIdle() {
  const minimised = Boolean(app?.minimised);
  hidden(parts.idle, Boolean(app) && !minimised);
  parts.phone.classList.toggle("is-idle", !app || minimised);
  const button = minimised ? h("button", { onclick: () => minimise(false) }, t("reopen"))
    : h("button", { id: "open-app", onclick: () => trying(async () => openWebApp(await act("/open", { theme: state.theme, source: "link" }))) }, t("open"));
  parts.idle.replaceChildren(h("span", { class: "idle__app" }, icon("shop")), h("h3", {}, botName), h("p", {}, t(minimised ? "minimised" : "opens")), button);
  paint();
}

/** Put the app into the background, or bring it back. */
export function minimise(value) {
  if (!app) return;
  app.minimised = value;
  drawIdle();
  send("visibility_changed", { is_visible: !value });
  tell("view", value ? "chat" : "phone");
}

/** Close the app; without `force` it may ask first, where the app wanted that. Answers whether it closed. */
export async function closeApp(force = false) {
  if (!app) return true;
  if (!force && app.confirmClosing) {
    const answer = await alertIn(parts.phone, { message: t("leave"), buttons: [{ id: "", type: "cancel" }, { id: "close", type: "destructive", text: t("close") }] });
    if (answer !== "close") return false;
  }
  app = null;
  parts.view.querySelector("iframe")?.remove();
  parts.phone.querySelectorAll(".cover").forEach((cover) => cover.remove());
  drawBars();
  drawIdle();
  if (!force) tell("view", "chat");
  return true;
}

/** Open a Mini App from a launch of the control API: {url, address}. */
export async function openWebApp(launch) {
  await closeApp(true);
  const frame = h("iframe", { title: botName, name: "mini-app", allow: "clipboard-read; clipboard-write; fullscreen; camera; microphone; geolocation",
    sandbox: "allow-scripts allow-same-origin allow-popups allow-forms allow-modals", src: launch.url });
  app = { frame, launch, origin: new URL(launch.url).origin, person: state.me, colors: {}, minimised: false };
  const mine = app;
  parts.view.classList.remove("is-ready");
  parts.problem.textContent = "";
  frame.addEventListener("load", () => { if (app === mine) parts.view.classList.add("is-ready"); });
  setTimeout(() => { if (app === mine) parts.problem.textContent = t("noAnswer", { url: launch.address }); }, 8000);
  parts.view.append(frame);
  drawBars();
  drawIdle();
  tell("view", "phone");
}

/** Open the payment sheet of an invoice; tells the app how it ended, where it asked. */
export async function openInvoice(slug, asked = false) {
  const invoice = await trying(() => get(`/personas/${state.me}/invoice?slug=${encodeURIComponent(slug)}`));
  if (!invoice) { if (asked) send("invoice_closed", { slug, status: "failed" }); return; }
  tell("view", "phone");
  await invoiceSheet(parts.phone, invoice, (status) => { if (asked) send("invoice_closed", { slug, status }); });
}

async function invite(result) {
  if (result.status === "member") { toast(t("already")); return; }
  const answer = await ask({ title: result.title, text: result.asks ? t("askJoin") : t("group"),
    buttons: [{ text: t("cancel"), value: null }, { text: t(result.asks ? "request" : "join"), value: "join", kind: "main" }] });
  if (!answer) return;
  const joined = await trying(() => act("/join", { invite_link: result.invite_link }));
  if (joined) toast(t({ joined: "joinedNow", already_member: "already" }[joined.result] || joined.result));
}

/** Do what following a Telegram link gave: start, web_app, invoice, invite, unknown. */
export function followResult(result) {
  if (result.kind === "web_app") openWebApp(result);
  else if (result.kind === "invoice") openInvoice(result.slug);
  else if (result.kind === "invite") invite(result);
  else if (result.kind === "start") { minimise(true); }
  else {
    const shared = /\/share\/url\?(.*)$/.exec(result.url);
    const query = shared && new URLSearchParams(shared[1]);
    toast(query ? `${t("share")} ${query.get("text") || ""} ${query.get("url") || ""}` : t("unknown", { url: result.url }));
  }
}

function openMore() {
  openMenu(parts.more, [
    app?.settings ? { icon: "gear", text: t("settings"), act: () => send("settings_button_pressed") } : null,
    { icon: "reload", text: t("reload"), act: reload },
    { icon: "close", text: t("close"), act: () => closeApp() },
  ].filter(Boolean), parts.phone);
}

function reload() {
  parts.view.classList.remove("is-ready");
  Object.assign(app, { back: false, main: null, secondary: null, settings: false, confirmClosing: false, colors: {} });
  drawBars();
  paint();
  if (app.reloads) send("reload_iframe");
  else app.frame.src = app.launch.url;
}

/** Draw the phone of whom one is, without an app. */
export function drawPhone() {
  if (!parts.phone) build();
  parts.subtitle.textContent = t("mini");
  parts.more.setAttribute("aria-label", t("settings"));
  drawBars();
  drawIdle();
  tick();
}

function tick() {
  parts.clock.textContent = clock(Date.now() / 1000);
}

function build() {
  parts.clock = h("span");
  parts.status = h("div", { class: "status", "aria-hidden": "true" }, parts.clock, h("span", { html: SIGNAL }));
  parts.left = h("button", { class: "pill", id: "phone-left", onclick: () => (app?.back ? send("back_button_pressed") : closeApp()) });
  parts.subtitle = h("small");
  parts.more = h("button", { id: "phone-menu", "aria-haspopup": "menu", onclick: openMore }, icon("dots"));
  parts.nav = h("header", { class: "nav" }, parts.left, h("div", { class: "nav__title" }, h("bdi", {}, botName), parts.subtitle),
    h("div", { class: "pill pill--end" }, h("button", { id: "phone-minimise", "aria-label": "⌄", onclick: () => minimise(true) }, icon("down")), parts.more));
  parts.problem = h("p", { dir: "auto" });
  parts.view = h("div", { class: "view" }, h("div", { class: "loader" }, icon("shop"), parts.problem));
  parts.bottom = h("div", { class: "bottom", hidden: true });
  parts.idle = h("div", { class: "idle" });
  parts.haptic = h("span", { class: "haptic", "aria-hidden": "true" });
  parts.phone = h("div", { class: "phone", id: "phone" }, h("div", { class: "island" }), parts.status, parts.nav, parts.view, parts.bottom, parts.idle, parts.haptic, h("div", { class: "home" }));
  stage.replaceChildren(h("button", { class: "round stage__close", "aria-label": t("close"), onclick: () => tell("view", "chat") }, icon("close")), parts.phone);
  new ResizeObserver(sendViewport).observe(parts.view);
  setInterval(tick, 10000);
}

on("theme", () => { if (parts.phone) { paint(); sendTheme(); } });
on("sent-data", (data) => trying(() => post(`/personas/${app.person}/web-app-data`, { button_text: app.launch.button_text || "", data })));

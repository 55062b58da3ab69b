// The chat: messages, their buttons, links, and what tapping does.
import { act, get, on, post, state, trying } from "./api.js";
import { ask, copyText, h, icon, openMenu, toast } from "./dom.js";
import { replyTo, sendText } from "./composer.js";
import { clock, day, direction, serviceSentence, size, sum, t } from "./i18n.js";
import { followResult, openInvoice, openWebApp } from "./phone.js";

const box = document.getElementById("messages");
const scroll = document.getElementById("scroll");
const jump = document.getElementById("jump");
const status = document.getElementById("chat-status");
const KEY_ICONS = { url: "link", web_app: "app", copy: "copy", pay: "star" };
let shown = new Map();
let generation = 0;
let typingTimer = 0;

const nearEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 120;
const toEnd = (smooth) => scroll.scrollTo({ top: scroll.scrollHeight, behavior: smooth ? "smooth" : "instant" });

function key(message, button, row, column) {
  const element = h("button", {
    class: `key key--${button.kind} ${button.style ? `key--${button.style}` : ""}`,
    onclick: () => press(message, button, row, column, element),
  }, h("bdi", {}, button.text), KEY_ICONS[button.kind] ? icon(KEY_ICONS[button.kind]) : null);
  return element;
}

async function press(message, button, row, column, element) {
  if (button.kind === "copy") { copyText(button.value, t("copied")); return; }
  if (button.kind === "url") { openLink(button.value); return; }
  if (button.kind === "text") { sendText(button.text); return; }
  if (element.classList.contains("is-busy")) return;
  element.classList.add("is-busy");
  const body = { message_id: message.message_id, chat_id: message.chat_id, row, column, theme: state.theme };
  const result = await trying(() => act("/press", body));
  element.classList.remove("is-busy");
  if (!result) return;
  if (result.kind === "web_app") openWebApp(result);
  else if (result.kind === "pay") openInvoice(result.slug);
  else if (result.url) openLink(result.url);
  else if (result.show_alert) ask({ title: document.getElementById("app").dataset.botName, text: result.text, buttons: [{ text: t("ok"), value: "ok", kind: "main" }] });
  else if (result.text) toast(result.text);
}

/** Open a link as Telegram does: its own links here, the others in a new tab. */
export async function openLink(url) {
  const result = await trying(() => act("/link", { url, theme: state.theme }));
  if (!result) return;
  if (result.kind === "url") window.open(result.url, "_blank", "noopener");
  else followResult(result);
}

function media(message) {
  const parts = [];
  if (message.photo) {
    const bare = !message.text;
    parts.push(h("button", { class: `media ${bare ? "media--bare" : ""}`, "aria-label": t("photo"), onclick: () => showPhoto(message.photo.url) },
      h("img", { src: message.photo.url, alt: "", width: message.photo.width, height: message.photo.height })));
  }
  if (message.document) {
    parts.push(h("a", { class: "file", href: message.document.url, download: message.document.name },
      h("span", { class: "file__icon" }, icon("file")), h("b", {}, h("bdi", {}, message.document.name)), h("span", {}, size(message.document.size || 0))));
  }
  if (message.invoice) {
    const { title, description, total_amount: amount, currency, paid } = message.invoice;
    parts.push(h("div", { class: "invoice" }, h("span", { class: "invoice__tag" }, paid ? t("receipt") : t("invoice")), h("b", { dir: "auto" }, title),
      h("span", { class: "invoice__sum" }, sum(amount, currency)), h("p", { dir: "auto" }, description)));
  }
  return parts;
}

function showPhoto(url) {
  const veil = h("div", { class: "veil", tabindex: "-1", onclick: () => veil.remove(), onkeydown: (event) => { if (event.key === "Escape") veil.remove(); } },
    h("img", { class: "viewer", src: url, alt: t("photo") }));
  document.getElementById("overlay").append(veil);
  veil.focus();
}

// A text that runs against the chat's direction ends where the time stands: it gets a line of its own.
const crosses = (text) => {
  const strong = /\p{L}/u.exec(text || "");
  return Boolean(strong) && /[\u0590-\u08ff\ufb1d-\ufefc]/.test(strong[0]) !== (direction() === "rtl");
};

function draw(message, first, last) {
  if (message.service) return h("div", { class: "service", "data-message": message.message_id }, serviceSentence(message.service), renewals(message.service));
  const mine = message.sender_id === state.me;
  const classes = ["message", mine && "is-mine", first && "is-first", last && "is-last", message.edited && "is-edited",
    message.protected && "is-protected", message.buttons.length && "has-buttons", crosses(message.text) && "is-cross"].filter(Boolean).join(" ");
  const reply = message.reply_to && h("button", { class: "quote", onclick: () => shown.get(message.reply_to.message_id)?.node.scrollIntoView({ block: "center", behavior: "smooth" }) },
    h("b", {}, h("bdi", {}, message.reply_to.sender)), h("span", { dir: "auto" }, message.reply_to.preview.title || t(message.reply_to.preview.kind)));
  return h("div", { class: classes, "data-message": message.message_id },
    h("div", { class: "bubble" },
      message.forwarded_from ? h("div", { class: "forwarded" }, t("forwarded", { title: message.forwarded_from })) : null,
      reply, media(message),
      message.text ? h("div", { class: "bubble__text", dir: "auto", html: message.html }) : null,
      h("span", { class: "meta" }, message.protected ? icon("lock", "icon--lock") : null, message.edited ? `${t("edited")} ` : "", h("time", {}, clock(message.date)),
        mine ? icon("checks") : null)),
    message.buttons.length ? h("div", { class: "keys" }, message.buttons.map((line, row) => h("div", { class: "keys__row" }, line.map((button, column) => key(message, button, row, column))))) : null,
    h("button", { class: "round reply-tool", "aria-label": t("reply"), onclick: () => replyTo(message) }, icon("reply", "icon--dir")));
}

// What Telegram does each period, and what its settings offer: at the message of the first payment.
function renewals({ charge_id: charge, subscription }) {
  if (!subscription) return null;
  const tool = (name, path, body) => h("button", { "data-renewal": name, onclick: () => trying(() => post(path, { charge_id: charge, ...body })) }, t(name));
  const { canceled, bot_canceled: byBot } = subscription;
  const tools = canceled ? [byBot ? h("span", {}, t("canceledByBot")) : tool("resumeSub", "/subscription", { canceled: false })]
    : [tool("renewNow", "/renew", {}), tool("failRenewal", "/renew", { outcome: "failed" }), tool("cancelSub", "/subscription", { canceled: true })];
  return h("div", { class: "service__tools" }, tools);
}

function welcome() {
  const name = document.getElementById("app").dataset.botName;
  const steps = { en: ["Press START: the bot answers here.", `Tap the shop button: ${name} opens in the phone.`, "Pay with pretend Stars. Nothing is real here.", "Then be the admin, to see the other side."],
    ar: ["اضغط «ابدأ» ليردّ البوت هنا.", `المس زر المتجر ليُفتح ${name} في الهاتف.`, "ادفع بنجوم تجريبية، فلا شيء حقيقي هنا.", "ثم كن المدير لترى الجانب الآخر."],
    ru: ["Нажмите «Запустить»: бот ответит здесь.", `Нажмите кнопку магазина: ${name} откроется в телефоне.`, "Платите игрушечными звёздами: здесь всё понарошку.", "Потом станьте администратором."] };
  const lines = steps[state.person.language_code] || steps.en;
  return h("div", { class: "welcome" }, h("span", { class: "avatar avatar--bot" }, icon("shop")), h("h3", {}, t("hello")),
    state.info.description ? h("p", { dir: "auto" }, state.info.description) : null, h("ol", {}, lines.map((line) => h("li", {}, line))));
}

function redraw(messages, fresh) {
  const stick = fresh || nearEnd();
  const before = fresh ? new Map() : shown;
  shown = new Map();
  const nodes = [];
  let lastDay = "";
  messages.forEach((message, index) => {
    const today = day(message.date);
    const [previous, next] = [messages[index - 1], messages[index + 1]];
    const same = (other) => other && !other.service && other.sender_id === message.sender_id && day(other.date) === today && Math.abs(other.date - message.date) < 300;
    const first = !same(previous);
    const last = !same(next);
    if (today !== lastDay) nodes.push(h("div", { class: "day" }, today));
    lastDay = today;
    const text = JSON.stringify([message, first, last]);
    const old = before.get(message.message_id);
    const node = old?.text === text ? old.node : draw(message, first, last);
    if (!old && !fresh) node.classList.add("is-new");
    shown.set(message.message_id, { text, node });
    nodes.push(node);
  });
  if (!messages.length) nodes.push(welcome());
  box.replaceChildren(...nodes);
  if (stick) toEnd(!fresh);
  jump.hidden = nearEnd() || stick;
}

let running = null;
let again = false;
async function refresh(fresh = false) {
  if (running && !fresh) { again = true; return; }
  const mine = ++generation;
  running = trying(() => get(`/personas/${state.me}/messages`));
  const messages = await running;
  if (mine !== generation) return;
  running = null;
  if (messages) redraw(messages, fresh);
  if (again) { again = false; refresh(); }
}

/** Show the chat of whom one is now. */
export function showChat() {
  shown = new Map();
  box.replaceChildren();
  status.textContent = t("bot");
  status.classList.remove("is-typing");
  refresh(true);
}

box.addEventListener("click", (event) => {
  const target = event.target.closest(".spoiler, .copy, .command, .folds, a");
  if (!target || !box.contains(target)) return;
  if (target.matches(".spoiler") && !target.classList.contains("is-open")) {
    event.preventDefault();
    target.closest(".bubble").querySelectorAll(".spoiler").forEach((part) => part.classList.add("is-open"));
  } else if (target.matches(".copy")) {
    copyText(target.textContent, target.closest(".is-protected") && target.matches("pre") ? t("protectedMessage") : t("copied"));
  } else if (target.matches(".command")) sendText(target.textContent);
  else if (target.matches(".folds")) target.classList.toggle("is-open");
  else if (target.matches("a[href]") && !target.matches(".file")) { event.preventDefault(); openLink(target.href); }
});
box.addEventListener("keydown", (event) => {
  if ((event.key === "Enter" || event.key === " ") && event.target.matches(".spoiler, .copy, .folds")) { event.preventDefault(); event.target.click(); }
});
let atEnd = true;
scroll.addEventListener("scroll", () => { atEnd = nearEnd(); jump.hidden = atEnd; }, { passive: true });
// A keyboard that opens below must not push the last message out of sight.
new ResizeObserver(() => { if (atEnd) toEnd(false); }).observe(scroll);
jump.addEventListener("click", () => toEnd(true));
document.getElementById("chat-menu").addEventListener("click", (event) => openMenu(event.currentTarget, [
  state.person.blocked ? { icon: "check", text: t("unblockBot"), act: () => trying(() => act("/unblock")) }
    : { icon: "block", text: t("blockBot"), danger: true, act: () => trying(() => act("/block")) },
]));

on("message", ({ chat_id: chat }) => { if (chat === state.me) { status.textContent = t("bot"); status.classList.remove("is-typing"); refresh(); } });
on("deleted", ({ chat_id: chat }) => { if (chat === state.me) refresh(); });
on("typing", ({ chat_id: chat }) => {
  if (chat !== state.me) return;
  status.textContent = t("typing");
  status.classList.add("is-typing");
  clearTimeout(typingTimer);
  typingTimer = setTimeout(() => { status.textContent = t("bot"); status.classList.remove("is-typing"); }, 5000);
});

// Starts the page: who one is, the theme, live updates; joins people, chat and phone.
import { get, loadPeople, on, state, tell, trying } from "./api.js";
import "./bridge.js";
import { openLink, showChat } from "./chat.js";
import { drawComposer } from "./composer.js";
import "./groups.js";
import { direction, language } from "./i18n.js";
import { markRead } from "./people.js";
import { closeApp, drawPhone } from "./phone.js";

const app = document.getElementById("app");
const linkState = document.getElementById("link-state");

/** Show one part on a narrow window: "people", "chat" or "phone". */
function view(name) {
  app.dataset.view = name;
}

function showMe() {
  closeApp(true);
  const chat = document.getElementById("chat");
  const stage = document.getElementById("stage");
  for (const part of [chat, stage]) {
    part.dir = direction();
    part.lang = language();
  }
  document.title = `${state.person?.first_name ?? ""} · ${app.dataset.botName}`;
  tell("me");
  drawPhone();
  showChat();
  drawComposer();
  markRead();
  view("chat");
}

function setTheme(theme) {
  state.theme = theme;
  document.documentElement.dataset.theme = theme;
  const button = document.getElementById("theme");
  button.querySelector("use").setAttribute("href", theme === "dark" ? "#i-sun" : "#i-moon");
  for (const [name, value] of Object.entries(state.info.themes[theme])) {
    document.documentElement.style.setProperty(`--tg-theme-${name.replaceAll("_", "-")}`, value);
  }
  tell("theme");
}

/** Say whether the bot listens. */
async function watchBot() {
  const info = await get("/info").catch(() => null);
  const waiting = info?.pending_update_count > 0;
  linkState.dataset.state = !info ? "lost" : waiting ? "waiting" : "ready";
  linkState.textContent = !info ? "The simulator has stopped"
    : waiting ? `The bot has not fetched ${info.pending_update_count} update(s): is it running?`
      : `@${info.bot.username} · ${info.webhook_url ? "webhook" : "long polling"}`;
}

function listen() {
  const source = new EventSource("/control/events");
  let peopleTimer = 0;
  const peopleSoon = () => {
    clearTimeout(peopleTimer);
    peopleTimer = setTimeout(() => trying(loadPeople), 40);
  };
  source.onmessage = (event) => {
    const data = JSON.parse(event.data);
    if (data.kind === "reset") { location.reload(); return; }
    tell(data.kind, data);
    if (data.kind !== "typing") peopleSoon();
  };
  source.onopen = () => { peopleSoon(); tell("message", { chat_id: state.me }); watchBot(); };
  source.onerror = watchBot;
  let botTimer = 0;
  on("message", () => { clearTimeout(botTimer); botTimer = setTimeout(watchBot, 2500); });
}

async function start() {
  const arrived = new URL(location.href);
  state.info = await get("/info");
  await loadPeople();
  const asked = Number(new URLSearchParams(location.search).get("as"));
  state.me = state.people.some((person) => person.id === asked) ? asked : state.people[0].id;
  if (asked !== state.me) history.replaceState(null, "", `/?as=${state.me}`);
  setTheme(localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
  document.getElementById("theme").addEventListener("click", () => {
    setTheme(state.theme === "dark" ? "light" : "dark");
    localStorage.setItem("theme", state.theme);
  });
  document.getElementById("to-people").addEventListener("click", () => view("people"));
  document.getElementById("to-phone").addEventListener("click", () => view("phone"));
  addEventListener("popstate", () => {
    state.me = Number(new URLSearchParams(location.search).get("as")) || state.people[0].id;
    showMe();
  });
  document.addEventListener("visibilitychange", markRead);
  on("become", showMe);
  on("view", view);
  on("people", () => { drawComposer(); markRead(); });
  showMe();
  // A link to the bot, as BOT_URL makes them in a demo: ?start=…, ?startapp=…
  if (arrived.searchParams.has("start") || arrived.searchParams.has("startapp")) openLink(arrived.href);
  listen();
}

start().catch((error) => {
  document.getElementById("messages").textContent = error.message;
});

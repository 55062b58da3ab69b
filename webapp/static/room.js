// The reading room: the reader's own part of a draw, a question that is not lost, and the card that is spoken of.
let kept = {};
try { sessionStorage.removeItem(""); kept = sessionStorage; } catch {}
const $ = (query, within = document) => within.querySelector(query);
const on = (name, use) => document.addEventListener(name, use);
const KEY = "readings.draft"; // {path, question}, on this device and for this session only
const draft = () => { try { return JSON.parse(kept[KEY]) || {}; } catch { return {}; } };
const keep = (value) => { try { value ? kept[KEY] = JSON.stringify(value) : delete kept[KEY]; } catch {} };

// 24 random bytes at the tap: nobody could know them when the cards were shuffled.
const seed = () => Array.from(crypto.getRandomValues(new Uint8Array(24)), (byte) => byte.toString(16).padStart(2, "0")).join("");
on("htmx:configRequest", ({ detail: { elt, parameters } }) => {
  const form = elt.closest("[data-seed]");
  if (!form) return;
  form.seed ??= seed(); // a second try of one draw says the same
  parameters.set ? parameters.set("seed", form.seed) : parameters.seed = form.seed;
});

const count = (area) => {
  const shown = area.form && $("[data-count]", area.form);
  if (shown) shown.textContent = shown.dataset.count.replace("{n}", new Intl.NumberFormat("en", { useGrouping: false }).format([...area.value].length));
};
const mine = (area) => area?.form?.dataset.draft;
const typed = (area) => {
  count(area);
  if (mine(area)) keep(area.value.trim() && { path: mine(area), question: area.value });
};
on("input", ({ target }) => target.matches?.("textarea[name=question]") && typed(target));
on("click", ({ target }) => {
  const chip = target.closest?.("[data-prompt]"), spot = target.closest?.("[data-spot]");
  if (chip) {
    const area = $("textarea[name=question]", chip.closest("form") || document);
    area.value = chip.dataset.prompt;
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.focus();
  }
  if (spot) for (const one of document.querySelectorAll("[data-spot]")) one.setAttribute("aria-pressed", one === spot);
});
on("htmx:afterRequest", ({ detail: { elt, successful } }) => {
  if (successful && elt.matches?.("form[data-draft]")) keep();
});

// The strip of cards goes with the text.
const follow = new MutationObserver(([{ target }]) => show(target.textContent));
const show = (number) => {
  for (const one of document.querySelectorAll(".scroller--cards [data-strip]")) {
    const live = one.dataset.strip === number, strip = one.parentElement;
    one.firstElementChild.classList.toggle("tarot--live", live);
    if (live) strip.scrollTo({ left: one.offsetLeft - (strip.clientWidth - one.clientWidth) / 2 });
  }
};

// Where a spread's cards lie: numbers of the markup, which a style attribute may not hold.
const lay = () => {
  for (const node of document.querySelectorAll("[data-vars]:not([style])"))
    for (const one of node.dataset.vars.split(";")) node.style.setProperty(...one.split(":"));
};
const arrive = () => {
  lay();
  const at = $("[data-reading-card]");
  if (at) follow.observe(at, { childList: true, characterData: true, subtree: true });
  const area = $("form[data-draft] textarea[name=question]"), back = $("a[data-draft]"), { path, question } = draft();
  if (area) {
    if (!area.value && path === mine(area)) area.value = question;
    if (area.value) typed(area); // perhaps before this script was here
    else count(area);
  }
  if (back && path) Object.assign(back, { href: path, hidden: false });
};
on("htmx:load", arrive);
arrive();

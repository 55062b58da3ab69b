// Reads the text of a reading while it is written: by events, and by asking where those don't come.
const LOST = 40e3; // the server says something every 15 s
const ASK = 3e3, FAILURES = 3, LONGEST = 15e3;
const $ = (query, within = document) => within.querySelector(query);
const tg = window.Telegram?.WebApp;
let reader;

const blocks = (parts) => parts.flatMap(([number, head, text]) => [
  ...(number ? [{ tag: "H2", number: `${number}`, text: head }] : []), ...(text ? [{ tag: "P", text }] : []),
]);
const make = ({ tag, number, text }) => {
  const node = document.createElement(tag);
  if (number) {
    node.className = "reading-text__head";
    node.appendChild(document.createElement("span")).textContent = node.dataset.card = number;
  }
  node.append(text);
  return node;
};
// The last text node grows: what stands already is not touched, so that nothing jumps and a selection stays.
const draw = (box, parts) => {
  const wanted = blocks(parts);
  wanted.forEach((part, at) => {
    const node = box.children[at], words = node?.lastChild;
    if (!node) box.append(make(part));
    else if (node.tagName !== part.tag || node.dataset.card !== part.number || !words) node.replaceWith(make(part));
    else if (part.text.startsWith(words.data)) words.appendData(part.text.slice(words.data.length));
    else words.data = part.text;
  });
  while (box.children.length > wanted.length) box.lastElementChild.remove();
};

class Reader {
  constructor(node) {
    this.node = node;
    this.box = $("[data-reading-text]", node);
    this.said = $("[data-reading-said]", node); // for screen readers: whole paragraphs, not words
    this.at = $("[data-reading-card]", node);
    this.parts = [];
    this.place = [0, 0];
    this.failed = this.spoken = 0;
    this.open();
  }
  state(name) { this.node.dataset.state = name; }
  open() {
    this.close();
    const source = this.source = new EventSource(this.node.dataset.reading);
    const on = (name, use) => source.addEventListener(name, (event) => {
      if (source !== this.source) return; // an older one
      this.alive();
      use(event.data[0] === "{" ? JSON.parse(event.data) : {});
    });
    on("snapshot", (told) => this.take(told, true));
    on("delta", (told) => this.take(told));
    on("done", (told) => this.done(told));
    on("ping", () => {});
    source.onopen = () => this.alive();
    source.onerror = () => source === this.source && this.lost();
    this.watch();
  }
  alive() {
    this.failed = 0;
    this.heard = Date.now();
    clearInterval(this.poll);
    this.poll = 0;
    if (this.node.dataset.state === "lost") this.state(this.parts.length ? "writing" : "waiting");
    this.watch();
  }
  watch() {
    clearTimeout(this.watching);
    this.watching = setTimeout(() => this.lost(), LOST);
  }
  lost() {
    this.close();
    this.state("lost");
    if (++this.failed >= FAILURES) this.poll ||= setInterval(() => this.ask(), ASK);
    const wait = Math.min(1e3 * 2 ** this.failed, LONGEST) * (.75 + Math.random() / 2);
    this.again = setTimeout(() => this.open(), wait);
  }
  async ask() {
    try {
      const answer = await fetch(this.node.dataset.reading, { headers: { accept: "application/json" } });
      const told = answer.ok && await answer.json();
      if (!told || this.ended) return; // meanwhile
      this.take(told, true);
      if (told.done) this.done(told);
    } catch {} // asked again soon
  }
  take({ id, at, parts, status }, whole) {
    const [attempt, seq] = id.split(".").map(Number), [known, last] = this.place;
    if (attempt < known || (attempt === known && seq <= last && !(whole && (seq === 0 || seq === last)))) return;
    this.place = [attempt, seq];
    this.parts.splice(whole ? 0 : at, Infinity, ...parts);
    draw(this.box, this.parts);
    this.state(this.parts.length ? "writing" : status === "running" ? "thinking" : "waiting");
    this.say(false);
  }
  say(all) {
    const shown = [...this.box.children], ready = all ? shown.length : shown.length - 1;
    const card = shown.filter((block) => block.dataset.card).pop();
    if (this.at && card) this.at.textContent = card.dataset.card;
    if (this.spoken > shown.length) this.spoken = 0; // begun anew
    if (this.said && ready > this.spoken)
      this.said.textContent = shown.slice(this.spoken, ready).map((block) => block.textContent).join("\n");
    this.spoken = Math.max(this.spoken, ready);
  }
  done({ status, failure }) {
    this.ended = true;
    this.say(true);
    this.close();
    this.state(status);
    clearInterval(this.poll);
    // The page brings what comes after the text: what may be done with it, or what has failed and that nothing was taken.
    window.htmx?.trigger(this.node, "reading:done", { status, failure });
  }
  close() {
    clearTimeout(this.again);
    clearTimeout(this.watching);
    this.source?.close();
    this.source = null;
  }
  end() {
    this.ended = true;
    clearInterval(this.poll);
    this.close();
  }
  wake() {
    if (this.ended || Date.now() - (this.heard || 0) < 2e3) return;
    this.failed = 0;
    this.open();
  }
}

const look = () => {
  const node = $("[data-reading]");
  if (reader?.node === node) return;
  reader?.end();
  reader = node && new Reader(node);
};
document.addEventListener("htmx:load", look);
document.addEventListener("visibilitychange", () => document.hidden || reader?.wake());
addEventListener("online", () => reader?.wake());
if (tg?.isVersionAtLeast?.("8.0")) tg.onEvent("activated", () => reader?.wake());
look();

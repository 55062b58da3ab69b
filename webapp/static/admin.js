// The back office's own: rows dragged to another place, files on their way, Markdown put where one types.
const on = (name, use) => document.addEventListener(name, use);
const rows = (list) => [...list.querySelectorAll("[data-lesson], [data-item]")];

// A row follows the finger; where it is dropped the server is asked, which shows first what that changes.
const drag = (grip, { pointerId, clientY }) => {
  const row = grip.closest("[data-lesson], [data-item]"), list = row.closest("[data-sort]"), before = rows(list);
  let from = clientY;
  const move = (event) => {
    event.preventDefault();
    const { previousElementSibling: above, nextElementSibling: below } = row;
    const by = event.clientY - from;
    if (above && by < -above.offsetHeight / 2) { from -= above.offsetHeight; above.before(row); }
    else if (below && by > below.offsetHeight / 2) { from += below.offsetHeight; below.after(row); }
    row.style.translate = `0 ${event.clientY - from}px`;
    if (event.clientY < 80) scrollBy(0, -8);
    if (event.clientY > innerHeight - 120) scrollBy(0, 8);
  };
  const put = () => list.isConnected && list.append(...before);
  const drop = (event) => {
    grip.removeEventListener("pointermove", move);
    row.classList.remove("sort--held");
    row.style.translate = "";
    const to = rows(list).indexOf(row);
    if (event.type === "pointercancel") put();
    else if (to !== before.indexOf(row)) send(list, row, to + 1, put);
  };
  row.classList.add("sort--held");
  grip.setPointerCapture(pointerId);
  grip.addEventListener("pointermove", move);
  grip.addEventListener("pointerup", drop, { once: true });
  grip.addEventListener("pointercancel", drop, { once: true });
};
// What is not confirmed goes back to its place: the page that comes after a yes has the new order.
const send = (list, row, to, put) => {
  const sheet = document.querySelector("#sheet"), values = { ...row.dataset, to, after: row.previousElementSibling?.dataset.lesson ?? "" };
  htmx.ajax("POST", list.dataset.sort, { source: list, target: "#app", swap: "innerHTML", values })
    .then(() => sheet.open ? sheet.addEventListener("close", put, { once: true }) : put(), put);
};
on("pointerdown", (event) => {
  const grip = event.target.closest?.("[data-grip]");
  if (grip && !event.button) drag(grip, event);
});

on("htmx:xhr:progress", ({ target, detail: { loaded, total, lengthComputable } }) => {
  const bar = target.querySelector?.(".upload");
  if (!bar || !lengthComputable || bar.value === 100) return;
  const percent = Math.floor(loaded * 100 / total);
  bar.hidden = false;
  bar.value = percent;
  target.querySelector("[data-sent]").textContent = `${percent}%`;
});

let typed; // one who has not typed yet has the cursor nowhere: it goes to the end
on("focusin", ({ target }) => { if (target.matches?.(".editor")) typed = target; });
on("click", ({ target }) => {
  const button = target.closest?.("[data-insert]");
  const text = button && [...document.querySelectorAll(".editor")].find((one) => one.offsetParent);
  if (!text) return;
  const { value } = text, [start, end] = typed === text ? [text.selectionStart, text.selectionEnd] : [value.length, value.length];
  const before = value.slice(0, start), gap = !before || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  text.setRangeText(`${gap}${button.dataset.insert}\n${value.slice(end) ? "\n" : ""}`, start, end, "end");
  text.focus();
  htmx.trigger(text, "input");
});

// A file of keys goes in pieces, one after the other: the first request says its name, the page that answers takes them.
let keysFile, signedIn;
on("htmx:configRequest", ({ detail }) => signedIn = detail.headers.Authorization);
on("change", ({ target }) => {
  if (target.matches?.("[data-keys-file]")) {
    [keysFile] = target.files;
    target.form.elements.file.value = keysFile?.name || "";
    if (keysFile) htmx.trigger(target.form, "submit");
  } else if (target.matches?.("[data-keys-again]")) {
    [keysFile] = target.files;
    pieces(document.querySelector("[data-pieces]"));
  }
});
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const piece = async (path, at, body) => {
  for (let attempt = 0; ; attempt++) try {
    const headers = { Authorization: signedIn, "Content-Type": "application/octet-stream", "X-Offset": at };
    const answer = await fetch(`${path}/piece`, { method: "POST", headers, body });
    if (answer.ok) return (await answer.json()).received;
    if (answer.status < 500 && answer.status !== 429) return null;
    throw answer.status;
  } catch (problem) {
    if (attempt === 5) return null;
    await pause(1000 * 2 ** attempt);
  }
};
const pieces = async (box) => {
  if (!box || box.dataset.busy) return;
  const again = (shown) => document.querySelectorAll("[data-again]").forEach((one) => one.hidden = !shown);
  if (!keysFile) return again(true);
  again(false);
  box.dataset.busy = "on";
  const file = keysFile, { pieces: path, piece: size } = box.dataset;
  let at = +box.dataset.received;
  while (at < file.size && box.isConnected) {
    const next = await piece(path, at, file.slice(at, at + +size));
    if (next === null || next <= at) { delete box.dataset.busy; return again(true); }
    box.dataset.received = at = next;
    const percent = Math.floor(at * 100 / file.size);
    box.querySelector("progress").value = percent;
    box.querySelector("[data-sent]").textContent = `${percent}%`;
  }
  if (box.isConnected) htmx.ajax("POST", `${path}/sent`, { source: box, target: "#app", swap: "innerHTML", push: "false" });
};
const begun = () => pieces(document.querySelector("[data-pieces]"));
on("htmx:afterSettle", begun);
begun();

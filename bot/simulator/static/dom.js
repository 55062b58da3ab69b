// Small helpers: elements, icons, toasts, menus, dialogs.

/** Make an element; props are attributes, `on*` functions, or `html` for markup that the server made safe. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "html") element.innerHTML = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  if (tag === "button" && !element.hasAttribute("type")) element.type = "button";
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Draw an icon of the sprite. */
export function icon(name, extra = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Show a short message for a moment. */
export function toast(text) {
  const box = h("p", { class: "toast", dir: "auto" }, text);
  document.getElementById("toasts").append(box);
  setTimeout(() => box.remove(), 2600);
}

/** Copy a text and say so. */
export async function copyText(text, words) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast(words);
}

/** Open a menu below a button; entries are {icon, text, danger, act}. */
export function openMenu(anchor, entries, host = document.body) {
  document.querySelector(".pop")?.remove();
  const close = (event) => {
    if (event && menu.contains(event.target)) return;
    menu.remove();
    document.removeEventListener("pointerdown", close, true);
    document.removeEventListener("keydown", onKey, true);
  };
  const onKey = (event) => { if (event.key === "Escape") { close(); anchor.focus(); } };
  const menu = h("div", { class: "pop", role: "menu" }, entries.map((entry) => h("button", {
    role: "menuitem", class: entry.danger ? "is-danger" : null,
    onclick: () => { close(); entry.act(); },
  }, icon(entry.icon), entry.text)));
  host.append(menu);
  if (host === document.body) {
    const box = anchor.getBoundingClientRect();
    menu.style.insetBlockStart = `${box.bottom + 4}px`;
    const left = Math.min(Math.max(8, box.right - menu.offsetWidth), innerWidth - menu.offsetWidth - 8);
    menu.style.left = `${left}px`;
  }
  menu.querySelector("button")?.focus({ preventScroll: true });
  document.addEventListener("pointerdown", close, true);
  document.addEventListener("keydown", onKey, true);
}

/** Ask in a dialog; answers the chosen button's value, or null. Buttons are {text, value, kind}. */
export function ask({ title, text, fields = [], buttons }) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const inputs = new Map();
    const done = (value) => {
      const values = Object.fromEntries([...inputs].map(([name, input]) => [name, input.value]));
      veil.remove();
      before?.focus?.();
      resolve(value === null ? null : { value, values });
    };
    const rows = fields.map((field) => {
      const input = field.options
        ? h("select", {}, field.options.map(([value, label]) => h("option", { value }, label)))
        : h("input", { value: field.value || "", placeholder: field.placeholder || "", dir: "auto" });
      inputs.set(field.name, input);
      return h("label", {}, field.label, input);
    });
    const veil = h("div", { class: "veil", onpointerdown: (event) => { if (event.target === veil) done(null); },
      onkeydown: (event) => { if (event.key === "Escape") done(null); } },
      h("form", { class: "dialog", role: "dialog", "aria-modal": "true", "aria-label": title, dir: "auto",
        onsubmit: (event) => { event.preventDefault(); done(buttons.at(-1).value); } },
        h("h3", {}, title), text ? h("p", {}, text) : null, rows,
        h("div", { class: "dialog__row" }, buttons.map((button) => h("button", {
          class: button.kind ? `is-${button.kind}` : null,
          type: button === buttons.at(-1) ? "submit" : "button",
          onclick: button === buttons.at(-1) ? null : () => done(button.value),
        }, button.text)))));
    document.getElementById("overlay").append(veil);
    (veil.querySelector("input, select") || veil.querySelector("[type=submit]")).focus();
  });
}

// A picture before it is sent: chosen, taken or pasted, moved and scaled under its frame.
const on = (name, use, how) => document.addEventListener(name, use, how);
const block = (node) => node?.closest?.("[data-photo]");
const part = (box, name) => box.querySelector(`[data-photo-${name}]`);
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
const MOST = 4; // how far a picture can be scaled up
const states = new WeakMap(); // what is seen of a picture: its middle (parts of its sides), and how far it is scaled

const image = (box) => part(box, "image");
const shape = (box) => +box.querySelector("[name=shape]:checked").value;
// Which part of the picture the frame shows when it is filled and scaled.
const seen = (box) => {
  const { naturalWidth: across, naturalHeight: down } = image(box), { x, y, zoom } = states.get(box);
  const ratio = across / down / shape(box);
  const width = Math.min(1, 1 / ratio) / zoom, height = Math.min(1, ratio) / zoom;
  return { left: clamp(x - width / 2, 0, 1 - width), top: clamp(y - height / 2, 0, 1 - height), width, height };
};
const paint = (box) => {
  const cut = seen(box), state = states.get(box), { style } = image(box);
  [state.x, state.y] = [cut.left + cut.width / 2, cut.top + cut.height / 2];
  part(box, "frame").style.aspectRatio = shape(box);
  style.width = `${100 / cut.width}%`;
  style.height = `${100 / cut.height}%`;
  style.left = `${-100 * cut.left / cut.width}%`;
  style.top = `${-100 * cut.top / cut.height}%`;
  part(box, "zoom").value = 100 * Math.log(state.zoom) / Math.log(MOST);
  for (const name in cut) box.querySelector(`input[name=${name}]`).value = Math.round(cut[name] * 1e5);
};
const move = (box, x, y) => { // by parts of what is seen
  const state = states.get(box), cut = seen(box);
  state.x = clamp(state.x + x * cut.width, 0, 1);
  state.y = clamp(state.y + y * cut.height, 0, 1);
  paint(box);
};
const scale = (box, by) => {
  const state = states.get(box);
  state.zoom = clamp(state.zoom * by, 1, MOST);
  paint(box);
};

const close = (box) => {
  URL.revokeObjectURL(image(box).src);
  image(box).removeAttribute("src");
  part(box, "stage").hidden = true;
  part(box, "file").value = part(box, "camera").value = "";
};
const refuse = (box, text) => {
  close(box);
  const line = document.createElement("span");
  line.textContent = text;
  box.querySelector("#picture-error").replaceChildren(line);
};
const open = (box) => {
  const [file] = part(box, "file").files;
  if (!file) return close(box);
  if (file.size > +box.dataset.most) return refuse(box, box.dataset.large);
  box.querySelector("#picture-error").replaceChildren();
  URL.revokeObjectURL(image(box).src);
  states.set(box, { x: .5, y: .5, zoom: 1 });
  image(box).onload = () => {
    part(box, "stage").hidden = false;
    paint(box);
    part(box, "frame").focus({ preventScroll: true });
    part(box, "stage").scrollIntoView({ block: "nearest" });
  };
  // What this browser can't show is judged by the server, whose words say why.
  image(box).onerror = () => htmx.trigger(part(box, "file").form, "submit");
  image(box).src = URL.createObjectURL(file);
};
const put = (box, files) => {
  part(box, "file").files = files;
  open(box);
};

on("change", ({ target }) => {
  const box = block(target);
  if (!box) return;
  if (target.matches("[data-photo-file]")) open(box);
  if (target.matches("[data-photo-camera]") && target.files.length) put(box, target.files);
  if (target.name === "shape" && states.has(box)) paint(box);
});
on("input", ({ target }) => {
  const box = block(target);
  if (!box || !target.matches("[data-photo-zoom]")) return;
  states.get(box).zoom = MOST ** (target.value / 100);
  paint(box);
});
on("paste", (event) => {
  const box = document.querySelector("[data-photo]"), files = event.clipboardData?.files;
  if (!box || !files?.length || !files[0].type.startsWith("image/")) return;
  event.preventDefault();
  const one = new DataTransfer();
  one.items.add(files[0]);
  put(box, one.files);
});
on("click", ({ target }) => {
  if (target.closest?.("[data-photo-cancel]")) close(block(target));
});
on("keydown", (event) => {
  if (!event.target.matches?.("[data-photo-frame]")) return;
  const steps = { ArrowLeft: [-.05, 0], ArrowRight: [.05, 0], ArrowUp: [0, -.05], ArrowDown: [0, .05] }[event.key];
  const by = { "+": 1.1, "=": 1.1, "-": 1 / 1.1, _: 1 / 1.1 }[event.key];
  if (!steps && !by) return;
  event.preventDefault();
  steps ? move(block(event.target), ...steps) : scale(block(event.target), by);
});
on("wheel", (event) => {
  const frame = event.target.closest?.("[data-photo-frame]");
  if (!frame) return;
  event.preventDefault();
  scale(block(frame), event.deltaY < 0 ? 1.08 : 1 / 1.08);
}, { passive: false });

const fingers = new Map();
const apart = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
on("pointerdown", (event) => {
  const frame = event.target.closest?.("[data-photo-frame]");
  if (!frame || event.button) return;
  frame.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
});
on("pointermove", (event) => {
  const before = fingers.get(event.pointerId), frame = event.target.closest?.("[data-photo-frame]");
  if (!before || !frame) return;
  const box = block(frame), wide = fingers.size > 1 && apart();
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (wide) scale(box, apart() / wide);
  else move(box, (before.x - event.clientX) / frame.clientWidth, (before.y - event.clientY) / frame.clientHeight);
});
for (const name of ["pointerup", "pointercancel"]) on(name, ({ pointerId }) => fingers.delete(pointerId));

// Where a video or a recording of a lesson was left, on this device. Lessons that have one load this.
let kept = {};
try { localStorage.removeItem(""); kept = localStorage; } catch {}
const EDGE = 5; // seconds: so near to its ends it begins again
const on = (names, use) => names.split(" ").forEach((name) => document.addEventListener(name, use, true));
const isOurs = (node) => node.matches?.(".lesson video, .lesson audio");
const name = ({ src }) => `left:${new URL(src).pathname}`; // the address is signed anew, its path stays
const resume = (media) => {
  const at = +kept[name(media)];
  if (at < media.duration - EDGE && !media.currentTime) media.currentTime = at;
};
const keep = (media) => {
  const { currentTime: at, duration } = media;
  try {
    if (at > duration - EDGE) delete kept[name(media)];
    else if (at > EDGE) kept[name(media)] = Math.floor(at);
  } catch {} // no room
};
on("timeupdate ended", ({ target }) => isOurs(target) && keep(target));
on("loadedmetadata", ({ target }) => isOurs(target) && resume(target));
// What plays already was begun before this script was here.
for (const media of document.querySelectorAll(".lesson video, .lesson audio"))
  if (media.readyState) media.currentTime ? keep(media) : resume(media);

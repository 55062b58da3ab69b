const $ = (query, within = document) => within.querySelector(query);
const on = (names, use, top) => names.split(" ").forEach((name) => document.addEventListener(name, use, top));
const stop = (event) => event.preventDefault();
const show = (box, template) => box.replaceChildren($(template).content.cloneNode(true));
const { body, documentElement: root } = document, app = $("#app"), sheet = $("#sheet"), toasts = $("#toasts");
const parse = (text) => { try { return JSON.parse(text) || {}; } catch { return {}; } };
let kept = {};
try { sessionStorage.kept = 1; kept = sessionStorage; } catch {}

const PLACE = "__telegram__initParams", old = parse(kept[PLACE]);
const launch = { ...old, ...Object.fromEntries(new URLSearchParams(location.hash.slice(1))) };
const initData = launch.tgWebAppData || "";
if (initData) kept[PLACE] = JSON.stringify(launch);
if (initData !== old.tgWebAppData) kept.token = "";
const fields = new URLSearchParams(initData);
let start = kept.started === initData ? null : fields.get("start_param");

const words = (lang) => $(`#t-words-${lang}`);
const speak = (lang) => Object.assign(root, { lang, dir: words(lang).dir });
const asked = (parse(fields.get("user")).language_code || navigator.language).slice(0, 2);
speak(words(asked) ? asked : "en");
const word = (name) => words(root.lang).content.firstElementChild.dataset[name];

const paint = (theme) => {
  for (const name in theme) root.style.setProperty(`--tg-theme-${name.replace(/_/g, "-")}`, theme[name]);
  const [r, g, b] = theme.bg_color?.match(/[\da-f]{2}/gi)?.map((part) => +`0x${part}`) || [];
  root.dataset.theme =
    (b >= 0 ? r * .3 + g * .59 + b * .11 < 120 : matchMedia("(prefers-color-scheme: dark)").matches) ? "dark" : "light";
};
paint(parse(launch.tgWebAppThemeParams));

let tg;
const can = (version) => tg?.isVersionAtLeast(version);
const attach = () => {
  if (!window.Telegram?.WebApp?.initData) return;
  tg = Telegram.WebApp;
  tg.ready();
  tg.expand();
  const dress = () => {
    paint(tg.themeParams);
    try {
      tg.disableVerticalSwipes();
      tg.setHeaderColor("secondary_bg_color");
      tg.setBottomBarColor("bottom_bar_bg_color");
    } catch {}
  };
  dress();
  tg.onEvent("themeChanged", dress);
  tg.MainButton.onClick(() => main()?.click());
  if (can("6.1")) tg.BackButton.onClick(back);
  if (can("7.0")) tg.SettingsButton.show().onClick(() => load("/me/settings", true));
  mirror();
};
const haptic = (kind) => can("6.1") &&
  tg.HapticFeedback[kind === "select" ? "selectionChanged" : "notificationOccurred"](kind);

const screen = () => $("#app > .screen");
const up = () => screen()?.dataset.back;
const main = () => $("#bottom [data-main]");
const mirror = () => {
  const button = main();
  root.classList.toggle("has-main", !!(tg && button));
  if (!tg) return;
  if (button && !sheet.open) {
    const busy = button.matches(".is-busy, .htmx-request");
    tg.MainButton[busy ? "showProgress" : "hideProgress"]();
    tg.MainButton.setParams({ text: button.textContent.trim(), is_visible: true, is_active: !busy && !button.disabled });
  } else tg.MainButton.hide();
  if (can("6.1")) tg.BackButton[sheet.open || up() ? "show" : "hide"]();
};
const here = () => location.pathname + location.search;
let came;
const back = () => {
  if (sheet.open) sheet.close();
  else if (up()) came === up() ? history.back() : load(up(), true);
};

const places = {};
let visit, timer, scroll = 0, stale, opener, last = here();
const load = (path, push, target = app) => { // no queue
  const source = body.appendChild(document.createElement("i"));
  htmx.ajax("GET", path, { source, target, swap: "innerHTML", push: push && path })
    .catch(() => {}).finally(() => source.remove());
};
const isPage = ({ verb, target }) => verb === "get" && target === app;
const settle = () => root.classList.remove("is-waiting", clearTimeout(timer));
const arrive = () => {
  settle();
  speak(screen().lang);
  document.title = screen().dataset.title;
  sheet.close();
  stale = false;
  scrollTo(0, scroll);
  mirror();
};
const resume = () => {
  const more = $(".more");
  scrollTo(0, scroll);
  more && scrollY + 1 < scroll ? htmx.trigger(more, "revealed") : scroll = 0;
};
const local = (name) => arrive(show(app, `#t-${name}-${root.lang}`));
on("htmx:confirm", (event) => {
  const { elt, etc, issueRequest } = event.detail, question = elt.dataset.confirm;
  if (elt.matches(".htmx-request:not([hx-sync], [data-live])")) return stop(event); // a double tap
  if (!question || etc.values) return; // confirmed before
  stop(event);
  const answer = (yes) => yes && issueRequest(true);
  can("6.2") ? tg.showConfirm(question, answer) : answer(confirm(question));
});
on("htmx:configRequest", ({ detail }) => {
  const { headers } = detail;
  headers["HX-Current-URL"] = location.origin + here(); // without initData
  headers.Authorization = kept.token ? `Bearer ${kept.token}` : `tma ${initData}`;
  if (!kept.token) headers["X-Timezone"] = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (start && isPage(detail)) headers["X-Start-Param"] = start;
});
on("htmx:beforeRequest", ({ detail: { elt, xhr, requestConfig: config } }) => {
  xhr.onreadystatechange = () => // htmx looks from elt
    xhr.getResponseHeader("HX-Retarget") && (elt.isConnected || $("#wait").append(elt));
  if (isPage(config)) {
    visit?.abort();
    visit = xhr;
    last = config.path;
    scroll = 0;
    places[here()] = scrollY;
    if (screen()) timer = setTimeout(() => {
      show($("#wait"), `template[data-skeleton=${elt.dataset.skeleton || "list"}]`);
      root.classList.add("is-waiting");
    }, 100);
  }
  if ("prices" in elt.dataset) stale = false;
});
on("htmx:beforeSend", mirror);
on("htmx:afterRequest", ({ detail: { xhr, target, etc, requestConfig: config } }) => {
  const { elt, verb, path } = config, fresh = xhr.getResponseHeader("X-Session-Token");
  if (visit === xhr) settle(visit = null);
  mirror();
  if (fresh) kept.token = fresh, isPage(config) && (kept.started = initData, start = null);
  if (config.again) setTimeout(() => htmx.ajax(verb, path, { // after htmx
    source: elt.isConnected ? elt : body, target, values: config.formData, swap: etc.swapOverride, push: etc.push,
  }));
  if (elt.dataset.then === "copy") $(`#${elt.id}[data-copy]`)?.click();
});
on("htmx:beforeSwap", (event) => {
  const { detail } = event, { xhr, requestConfig: config, target } = detail, { elt } = config;
  if (elt.dataset.live && $(".htmx-request:not(i, [data-live])", target))
    return stop(event, setTimeout(htmx.trigger, 500, elt, "live"));
  if (target === app) $(":focus")?.blur(); // its change comes first
  if (xhr.status < 400 || xhr.status === 422) return;
  const code = xhr.getResponseHeader("X-Error-Code"), closed = xhr.status === 401 || code === "blacklisted";
  if (/session_expired|unauthenticated/.test(code) && /^Bearer/.test(config.headers.Authorization)) {
    kept.token = "";
    return stop(event, config.again = true);
  }
  if (xhr.getResponseHeader("HX-Retarget")) detail.shouldSwap = true;
  else if (closed || isPage(config)) {
    if (/data-code=/.test(xhr.responseText))
      Object.assign(detail, { target: app, swapOverride: "innerHTML", shouldSwap: true });
    else local({ init_data_expired: "expired", blacklisted: "blocked" }[code] || (closed ? "outside" : "error"));
  } else if (!/toast/.test(xhr.getResponseHeader("HX-Trigger"))) {
    const said = new DOMParser().parseFromString(xhr.responseText, "text/html");
    toast($("[data-toast]", said)?.dataset.toast || word("failed"), "bad");
  }
});
on("htmx:sendError htmx:timeout", ({ detail: { elt, requestConfig } }) => {
  if (isPage(requestConfig)) local("offline");
  else if (!elt.matches("[data-live], .more")) toast(word("offline"), "bad");
});
on("htmx:beforeHistorySave", () => came = location.pathname);
on("htmx:historyCacheMiss", (event) => { // again, signed in
  stop(event, came = null);
  const place = places[here()];
  load(here());
  scroll = place;
});
on("htmx:afterSettle", ({ detail: { xhr } }) => (visit ?? xhr) === xhr && scroll && resume());
on("htmx:afterSwap", ({ detail: { target, requestConfig: { path } } }) => {
  if (target === app) arrive();
  if (target === sheet) {
    if (!sheet.open) sheet.showModal(opener = path);
    sheet.append(toasts);
  }
  reprice();
});
const reprice = () => {
  if (stale) main()?.classList.add("is-busy");
  mirror();
};
on("input change", ({ target }) => reprice(stale ||= target.closest("[data-prices]")), true);

sheet.onclose = () => {
  body.append(toasts);
  $(":focus", app) || $(`[hx-get="${opener}"]`, app)?.focus();
  mirror();
};
sheet.onclick = ({ target }) => { if (target === sheet) sheet.close(); };
const toast = (text, kind = "good") => {
  show(toasts, `#t-toast-${kind}`);
  $(".toast__t").textContent = text;
  comes.fades(toasts.firstElementChild);
  haptic(kind === "bad" ? "error" : "success");
};
on("toast", ({ detail: { text, kind } }) => toast(text, kind));
const invoice = ({ url, page }) => can("6.1")
  ? tg.openInvoice(url, (status) => load(`${page}/closed?status=${status}`, false, sheet)) : load(page, true);
on("invoice", ({ detail }) => invoice(detail));

let lives = [];
const comes = {
  left(node) { // server's clock
    node.ends ??= Date.now() + node.dataset.left * 1e3;
    const left = Math.max(0, node.ends - Date.now() + 500);
    node.textContent = new Date(left).toISOString().slice(left < 36e5 ? 14 : 11, 19).replace(/^0/, "");
    if (left && node.isConnected) setTimeout(comes.left, 1e3, node);
  },
  live(node) {
    let poll;
    const tell = () => htmx.trigger(node, "live"), source = new EventSource(node.dataset.live);
    source.addEventListener("changed", tell);
    source.onopen = () => poll = clearInterval(poll);
    source.onerror = () => poll ||= setInterval(tell, 5e3);
    lives.push({ node, stop: () => source.close(clearInterval(poll)) });
  },
  js: (node) => import(node.dataset.js),
  fades: (node) => setTimeout(() => node.remove(), 5e3),
  haptic: ({ dataset }) => dataset.haptic !== "select" && haptic(dataset.haptic),
};
const change = (input, value) => htmx.trigger(Object.assign(input, { value }), "change");
const taps = {
  haptic: ({ dataset }) => haptic(dataset.haptic),
  async copy({ dataset: { copy } }) {
    try { await navigator.clipboard.writeText(copy[0] === "#" ? $(copy).textContent : copy); toast(word("copied")); }
    catch { toast(word("copyFailed"), "bad"); }
  },
  close: () => sheet.close(),
  retry: () => load(last),
  closeApp: () => tg ? tg.close() : location.reload(),
  fill: ({ value }) => change($("#amount"), value),
  step({ parentElement: box, dataset }) {
    const { min, max } = box.dataset, input = $("input", box), value = +input.value + +dataset.step;
    $("output", box).textContent = value;
    box.firstElementChild.disabled = value <= min;
    box.lastElementChild.disabled = value >= max;
    change(input, value);
  },
  openLink({ href, dataset }, event) {
    if (!tg) return;
    stop(event);
    dataset.openLink && can("6.1") ? invoice({ url: href, page: dataset.openLink })
      : tg[href.startsWith("https://t.me/") ? "openTelegramLink" : "openLink"](href);
  },
  download({ href, download }, event) {
    if (!can("8.0")) return;
    stop(event);
    tg.downloadFile({ url: href, file_name: download });
  },
};
on("htmx:load", ({ detail: { elt } }) => {
  lives = lives.filter(({ node, stop }) => node.isConnected || stop());
  Promise.all([elt, ...elt.querySelectorAll("*")].flatMap((node) => Object.keys(node.dataset).map((name) => comes[name]?.(node))))
    .then(() => mirror(elt.querySelectorAll("[data-waits]").forEach((node) => node.disabled = false)));
});
on("click", (event) => {
  const node = event.target.closest("a, button, input");
  for (const name in node?.dataset) taps[name]?.(node, event);
});
on("touchstart wheel", () => scroll = 0); // for :active

attach();
if (!tg) $("script[async]").onload = attach;
initData ? load(here()) : local("outside");

// The part of window.Telegram.WebApp that Souk uses, written from Telegram's public documentation.
// It speaks the protocol of Telegram Web's frames: JSON {eventType, eventData} by postMessage.
(() => {
  "use strict";
  const root = document.documentElement;
  const STORED = "__telegram__initParams";

  // Launch parameters: from the address' hash, kept for reloads and navigations within the frame.
  const readLaunch = () => {
    const found = Object.fromEntries(new URLSearchParams(location.hash.replace(/^#/, "").replace(/^[^=&]*\?/, "")));
    let kept = {};
    try { kept = JSON.parse(sessionStorage.getItem(STORED) || "{}"); } catch { kept = {}; }
    const launch = { ...kept, ...found };
    try { sessionStorage.setItem(STORED, JSON.stringify(launch)); } catch { /* storage may be blocked */ }
    return launch;
  };
  const launch = readLaunch();
  const parse = (text, otherwise) => { try { return JSON.parse(text); } catch { return otherwise; } };

  const initData = launch.tgWebAppData || "";
  const initDataUnsafe = {};
  for (const [key, value] of new URLSearchParams(initData)) {
    initDataUnsafe[key] = /^[{[]/.test(value) ? parse(value, value) : value;
  }
  if (initDataUnsafe.auth_date) initDataUnsafe.auth_date = Number(initDataUnsafe.auth_date);

  // Both directions.
  const inFrame = window.parent !== window;
  const post = (eventType, eventData = {}) => {
    if (window.TelegramWebviewProxy) window.TelegramWebviewProxy.postEvent(eventType, JSON.stringify(eventData));
    else if (inFrame) window.parent.postMessage(JSON.stringify({ eventType, eventData }), "*");
  };
  const listeners = {};
  const onEvent = (name, callback) => { (listeners[name] ||= new Set()).add(callback); };
  const offEvent = (name, callback) => { listeners[name]?.delete(callback); };
  const emit = (name, data) => { for (const callback of [...(listeners[name] || [])]) callback.call(WebApp, data); };

  const isVersionAtLeast = (wanted) => {
    const have = String(launch.tgWebAppVersion || "6.0").split(".").map(Number);
    const need = String(wanted).split(".").map(Number);
    for (let i = 0; i < Math.max(have.length, need.length); i += 1) {
      if ((have[i] || 0) !== (need[i] || 0)) return (have[i] || 0) > (need[i] || 0);
    }
    return true;
  };

  // Theme and sizes become CSS variables, as Telegram's script names them.
  const themeParams = {};
  let colorScheme = "light";
  const setVariable = (name, value) => root.style.setProperty(`--tg-${name}`, value);
  const isDark = (color) => {
    const hex = /^#(..)(..)(..)$/.exec(color || "");
    if (!hex) return false;
    const [r, g, b] = hex.slice(1).map((part) => parseInt(part, 16));
    return Math.sqrt(0.299 * r * r + 0.587 * g * g + 0.114 * b * b) < 120;
  };
  const setTheme = (params) => {
    Object.assign(themeParams, params);
    for (const [name, value] of Object.entries(themeParams)) setVariable(`theme-${name.replaceAll("_", "-")}`, value);
    colorScheme = isDark(themeParams.bg_color) ? "dark" : "light";
    setVariable("color-scheme", colorScheme);
  };
  let viewportHeight = window.innerHeight;
  let viewportStableHeight = window.innerHeight;
  let isExpanded = true;
  const setViewport = (height, stable) => {
    viewportHeight = height;
    if (stable) viewportStableHeight = height;
    setVariable("viewport-height", `${viewportHeight}px`);
    setVariable("viewport-stable-height", `${viewportStableHeight}px`);
  };
  const safeAreaInset = { top: 0, bottom: 0, left: 0, right: 0 };
  const contentSafeAreaInset = { top: 0, bottom: 0, left: 0, right: 0 };
  const setInsets = (target, prefix, values) => {
    for (const side of Object.keys(target)) {
      target[side] = Number(values?.[side]) || 0;
      setVariable(`${prefix}-${side}`, `${target[side]}px`);
    }
  };

  const color = (value) => {
    const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(value || "");
    if (short) return `#${short[1]}${short[1]}${short[2]}${short[2]}${short[3]}${short[3]}`.toLowerCase();
    if (!/^#[0-9a-f]{6}$/i.test(value || "")) throw new Error(`WebAppColorInvalid: ${value}`);
    return value.toLowerCase();
  };
  const clickable = (event, button) => {
    button.onClick = (callback) => { onEvent(event, callback); return button; };
    button.offClick = (callback) => { offEvent(event, callback); return button; };
    return button;
  };

  // Back and Settings: only shown or hidden.
  const simpleButton = (setup, event) => {
    let visible = false;
    const show = (value) => { if (visible !== value) { visible = value; post(setup, { is_visible: value }); } };
    return clickable(event, {
      get isVisible() { return visible; },
      set isVisible(value) { show(Boolean(value)); },
      show() { show(true); return this; },
      hide() { show(false); return this; },
    });
  };

  // Main and Secondary: text, colours, progress.
  const bottomButton = (setup, event, themeColor, themeText, label) => {
    const state = { text: label, isVisible: false, isActive: true, isProgressVisible: false, hasShineEffect: false,
      color: "", textColor: "", position: "left" };
    let sent = "";
    const button = clickable(event, {
      get color() { return state.color || themeParams[themeColor] || "#007aff"; },
      get textColor() { return state.textColor || themeParams[themeText] || "#ffffff"; },
      setText(text) { return this.setParams({ text }); },
      show() { return this.setParams({ is_visible: true }); },
      hide() { return this.setParams({ is_visible: false }); },
      enable() { return this.setParams({ is_active: true }); },
      disable() { return this.setParams({ is_active: false }); },
      showProgress(leaveActive) {
        state.isProgressVisible = true;
        return this.setParams({ is_active: Boolean(leaveActive) });
      },
      hideProgress() { state.isProgressVisible = false; return this.setParams({ is_active: true }); },
      setParams(params) {
        if (params.text !== undefined) {
          const text = String(params.text).trim();
          if (!text || text.length > 64) throw new Error("WebAppBottomButtonParamInvalid: text");
          state.text = text;
        }
        if (params.color !== undefined) state.color = params.color ? color(params.color) : "";
        if (params.text_color !== undefined) state.textColor = params.text_color ? color(params.text_color) : "";
        if (params.is_visible !== undefined) state.isVisible = Boolean(params.is_visible);
        if (params.is_active !== undefined) state.isActive = Boolean(params.is_active);
        if (params.has_shine_effect !== undefined) state.hasShineEffect = Boolean(params.has_shine_effect);
        if (params.position !== undefined) state.position = params.position;
        button.update();
        return button;
      },
      update() {
        const message = state.isVisible
          ? { is_visible: true, is_active: state.isActive, is_progress_visible: state.isProgressVisible,
              text: state.text, color: button.color, text_color: button.textColor,
              has_shine_effect: state.hasShineEffect, position: state.position }
          : { is_visible: false };
        const now = JSON.stringify(message);
        if (now !== sent) { sent = now; post(setup, message); }
      },
    });
    for (const name of Object.keys(state)) {
      if (name === "color" || name === "textColor") continue;
      const key = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const set = name === "isProgressVisible"
        ? (value) => { state.isProgressVisible = Boolean(value); button.update(); }
        : (value) => { button.setParams({ [key]: value }); };
      Object.defineProperty(button, name, { get: () => state[name], set, enumerable: true });
    }
    return button;
  };
  const MainButton = bottomButton("web_app_setup_main_button", "mainButtonClicked", "button_color",
    "button_text_color", "Continue");
  const SecondaryButton = bottomButton("web_app_setup_secondary_button", "secondaryButtonClicked",
    "bottom_bar_bg_color", "button_color", "Cancel");
  const BackButton = simpleButton("web_app_setup_back_button", "backButtonClicked");
  const SettingsButton = simpleButton("web_app_setup_settings_button", "settingsButtonClicked");

  const haptic = (data) => { post("web_app_trigger_haptic_feedback", data); return HapticFeedback; };
  const HapticFeedback = {
    impactOccurred: (style) => haptic({ type: "impact", impact_style: style }),
    notificationOccurred: (type) => haptic({ type: "notification", notification_type: type }),
    selectionChanged: () => haptic({ type: "selection_change" }),
  };

  // Colours of the header, the page and the bottom bar: a theme's colour by its key follows the theme.
  const chrome = { header: "bg_color", background: "bg_color", bottom: "bottom_bar_bg_color" };
  const chromeSent = {};
  const sendChrome = () => {
    const messages = {
      web_app_set_header_color: themeParams[chrome.header] ? { color_key: chrome.header } : { color: chrome.header },
      web_app_set_background_color: { color: WebApp.backgroundColor },
      web_app_set_bottom_bar_color: { color: WebApp.bottomBarColor },
    };
    for (const [name, message] of Object.entries(messages)) {
      const text = JSON.stringify(message);
      if (chromeSent[name] !== text && Object.values(message)[0]) { chromeSent[name] = text; post(name, message); }
    }
  };

  // Requests that wait for one answer.
  let popup = null;
  const showPopup = (params, callback) => {
    if (popup) throw new Error("WebAppPopupOpened");
    const message = String(params.message || "").trim();
    const buttons = params.buttons || [{ type: "close" }];
    if (!message || message.length > 256 || buttons.length < 1 || buttons.length > 3) {
      throw new Error("WebAppPopupParamInvalid");
    }
    popup = { callback };
    post("web_app_open_popup", {
      title: String(params.title || "").trim(), message,
      buttons: buttons.map((button) => ({ id: String(button.id ?? ""), type: button.type || "default",
        text: button.text || "" })),
    });
  };
  const invoices = new Map();
  let writeAccess = null;
  let download = null;
  let sharing = null;

  const WebApp = {
    initData, initDataUnsafe,
    version: launch.tgWebAppVersion || "6.0",
    platform: launch.tgWebAppPlatform || "unknown",
    get colorScheme() { return colorScheme; },
    get themeParams() { return themeParams; },
    get isExpanded() { return isExpanded; },
    get viewportHeight() { return viewportHeight; },
    get viewportStableHeight() { return viewportStableHeight; },
    get safeAreaInset() { return safeAreaInset; },
    get contentSafeAreaInset() { return contentSafeAreaInset; },
    isActive: true,
    isFullscreen: false,
    isClosingConfirmationEnabled: false,
    isVerticalSwipesEnabled: true,
    get headerColor() { return themeParams[chrome.header] || chrome.header; },
    set headerColor(value) { this.setHeaderColor(value); },
    get backgroundColor() { return themeParams[chrome.background] || chrome.background; },
    set backgroundColor(value) { this.setBackgroundColor(value); },
    get bottomBarColor() { return themeParams[chrome.bottom] || chrome.bottom; },
    set bottomBarColor(value) { this.setBottomBarColor(value); },
    BackButton, MainButton, SecondaryButton, SettingsButton, HapticFeedback,
    isVersionAtLeast, onEvent, offEvent,
    ready() { post("web_app_ready"); },
    expand() { post("web_app_expand"); },
    close(options = {}) { post("web_app_close", { return_back: Boolean(options.return_back) }); },
    setHeaderColor(value) {
      chrome.header = themeParams[value] ? value : color(value);
      sendChrome();
    },
    setBackgroundColor(value) {
      chrome.background = themeParams[value] ? value : color(value);
      sendChrome();
    },
    setBottomBarColor(value) {
      chrome.bottom = themeParams[value] ? value : color(value);
      sendChrome();
    },
    enableClosingConfirmation() {
      this.isClosingConfirmationEnabled = true;
      post("web_app_setup_closing_behavior", { need_confirmation: true });
    },
    disableClosingConfirmation() {
      this.isClosingConfirmationEnabled = false;
      post("web_app_setup_closing_behavior", { need_confirmation: false });
    },
    enableVerticalSwipes() {
      this.isVerticalSwipesEnabled = true;
      post("web_app_setup_swipe_behavior", { allow_vertical_swipe: true });
    },
    disableVerticalSwipes() {
      this.isVerticalSwipesEnabled = false;
      post("web_app_setup_swipe_behavior", { allow_vertical_swipe: false });
    },
    showPopup,
    showAlert(message, callback) { showPopup({ message }, callback && (() => callback())); },
    showConfirm(message, callback) {
      showPopup({ message, buttons: [{ type: "ok", id: "ok" }, { type: "cancel" }] },
        callback && ((id) => callback(id === "ok")));
    },
    openLink(url, options = {}) {
      const { href, protocol } = new URL(url, location.href);
      if (!/^https?:$/.test(protocol)) throw new Error("WebAppTgUrlInvalid");
      post("web_app_open_link", { url: href, try_instant_view: Boolean(options.try_instant_view) });
    },
    openTelegramLink(url) {
      const { hostname, pathname, search } = new URL(url);
      if (hostname !== "t.me") throw new Error("WebAppTgUrlInvalid");
      post("web_app_open_tg_link", { path_full: pathname + search });
    },
    openInvoice(url, callback) {
      const { hostname, pathname } = new URL(url);
      const match = hostname === "t.me" && /^\/(\$|invoice\/)([A-Za-z0-9\-_=]+)$/.exec(pathname);
      if (!match) throw new Error("WebAppInvoiceUrlInvalid");
      const slug = match[2];
      if (invoices.has(slug)) throw new Error("WebAppInvoiceOpened");
      invoices.set(slug, { url, callback });
      post("web_app_open_invoice", { slug });
    },
    downloadFile({ url, file_name: name }, callback) {
      if (download) throw new Error("WebAppDownloadFilePopupOpened");
      if (!/^https?:/.test(url) || !name) throw new Error("WebAppDownloadFileParamInvalid");
      download = { callback };
      post("web_app_request_file_download", { url, file_name: name });
    },
    shareMessage(id, callback) {
      if (sharing) throw new Error("WebAppShareMessageOpened");
      sharing = { callback };
      post("web_app_send_prepared_message", { id });
    },
    requestWriteAccess(callback) {
      if (writeAccess) throw new Error("WebAppWriteAccessRequested");
      writeAccess = { callback };
      post("web_app_request_write_access");
    },
    sendData(data) { post("web_app_data_send", { data: String(data) }); },
  };

  const shared = (sent, error) => {
    const { callback } = sharing || {};
    sharing = null;
    callback?.(sent);
    emit(sent ? "shareMessageSent" : "shareMessageFailed", sent ? undefined : { error });
  };

  const receive = {
    theme_changed({ theme_params: params }) {
      setTheme(params || {});
      sendChrome();
      MainButton.update();
      SecondaryButton.update();
      emit("themeChanged");
    },
    viewport_changed(data) {
      isExpanded = data.is_expanded !== false;
      setViewport(data.height || window.innerHeight, data.is_state_stable !== false);
      emit("viewportChanged", { isStateStable: data.is_state_stable !== false });
    },
    safe_area_changed(data) { setInsets(safeAreaInset, "safe-area-inset", data); emit("safeAreaChanged"); },
    content_safe_area_changed(data) {
      setInsets(contentSafeAreaInset, "content-safe-area-inset", data);
      emit("contentSafeAreaChanged");
    },
    main_button_pressed() { if (MainButton.isActive) emit("mainButtonClicked"); },
    secondary_button_pressed() { if (SecondaryButton.isActive) emit("secondaryButtonClicked"); },
    back_button_pressed() { emit("backButtonClicked"); },
    settings_button_pressed() { emit("settingsButtonClicked"); },
    popup_closed({ button_id: id = null } = {}) {
      const { callback } = popup || {};
      popup = null;
      callback?.(id);
      emit("popupClosed", { button_id: id });
    },
    invoice_closed({ slug, status }) {
      const { url, callback } = invoices.get(slug) || {};
      invoices.delete(slug);
      callback?.(status);
      emit("invoiceClosed", { url, status });
    },
    write_access_requested({ status }) {
      const { callback } = writeAccess || {};
      writeAccess = null;
      callback?.(status === "allowed");
      emit("writeAccessRequested", { status });
    },
    prepared_message_sent() { shared(true); },
    prepared_message_failed({ error }) { shared(false, error); },
    file_download_requested({ status }) {
      const { callback } = download || {};
      download = null;
      callback?.(status === "downloading");
      emit("fileDownloadRequested", { status });
    },
    visibility_changed({ is_visible: visible }) {
      WebApp.isActive = visible;
      emit(visible ? "activated" : "deactivated");
    },
    reload_iframe() { post("iframe_will_reload"); location.reload(); },
  };
  const receiveEvent = (eventType, eventData) => receive[eventType]?.(eventData || {});

  if (inFrame) {
    window.addEventListener("message", (event) => {
      if (event.source !== window.parent || typeof event.data !== "string") return;
      const message = parse(event.data, null);
      if (message?.eventType) receiveEvent(message.eventType, message.eventData);
    });
  } else {
    window.addEventListener("resize", () => setViewport(window.innerHeight, true));
  }

  setTheme(parse(launch.tgWebAppThemeParams, {}));
  setViewport(window.innerHeight, true);
  setInsets(safeAreaInset, "safe-area-inset", {});
  setInsets(contentSafeAreaInset, "content-safe-area-inset", {});
  window.Telegram = { ...window.Telegram, WebApp, WebView: { initParams: launch, onEvent, offEvent, postEvent: (name,
    _, data) => post(name, data), receiveEvent } };
  post("iframe_ready", { reload_supported: true });
  sendChrome();
  post("web_app_request_theme");
  post("web_app_request_viewport");
  post("web_app_request_safe_area");
  post("web_app_request_content_safe_area");
})();

// Alerts and the payment sheet inside the phone.
import { act } from "./api.js";
import { h, icon } from "./dom.js";
import { sum, t } from "./i18n.js";

function cover(host, kind, content, dismiss) {
  const before = document.activeElement;
  const onKey = (event) => {
    if (!veil.isConnected) { document.removeEventListener("keydown", onKey); return; }
    if (event.key === "Escape") dismiss();
    if (event.key !== "Tab") return;
    const buttons = [...veil.querySelectorAll("button:not(:disabled)")];
    const at = buttons.indexOf(document.activeElement) + (event.shiftKey ? -1 : 1);
    event.preventDefault();
    buttons.at(at % buttons.length)?.focus();
  };
  const veil = h("div", { class: `cover cover--${kind}`, onpointerdown: (event) => { if (event.target === veil) dismiss(); } }, content);
  host.append(veil);
  document.addEventListener("keydown", onKey);
  return () => {
    veil.remove();
    document.removeEventListener("keydown", onKey);
    before?.focus?.({ preventScroll: true });
  };
}

/** Show Telegram's alert; answers the pressed button's id, or null where it was dismissed. */
export function alertIn(host, { title = "", message = "", buttons = [] }) {
  return new Promise((resolve) => {
    const labels = { ok: t("ok"), close: t("close"), cancel: t("cancel") };
    const done = (id) => { remove(); resolve(id); };
    const row = buttons.map((button) => h("button", {
      class: button.type === "destructive" ? "is-destructive" : button.type === "ok" || button.type === "default" ? "is-strong" : null,
      "data-button": button.id, onclick: () => done(button.id || ""),
    }, labels[button.type] || button.text || t("ok")));
    const box = h("div", { class: "alert", role: "alertdialog", "aria-modal": "true", "aria-label": title || message, dir: "auto" },
      h("div", { class: "alert__text" }, title ? h("h3", {}, title) : null, h("p", {}, message)),
      h("div", { class: `alert__row ${row.length === 2 ? "alert__row--two" : ""}` }, row));
    const remove = cover(host, "alert", box, () => done(null));
    row.at(-1)?.focus();
  });
}

/** Show the sheet that pays an invoice; `closed` hears "paid", "failed" or "cancelled", once. */
export function invoiceSheet(host, invoice, closed) {
  return new Promise((resolve) => {
    let status = "cancelled";
    let told = false;
    let paying = false;
    const price = sum(invoice.total_amount, invoice.currency);
    const finish = () => { if (!told) { told = true; closed(status); } };
    const leave = () => { if (paying) return; remove(); finish(); resolve(status); };
    const sheet = h("div", { class: "sheet", role: "dialog", "aria-modal": "true", id: "invoice" });
    const remove = cover(host, "sheet", sheet, leave);
    const pay = async (outcome) => {
      paying = true;
      sheet.querySelectorAll("button").forEach((button) => { button.disabled = true; });
      sheet.querySelector(".big").classList.add("is-busy");
      const result = await act("/pay", { slug: invoice.slug, outcome }).catch((error) => ({ status: "failed", error: error.message }));
      paying = false;
      status = result.status;
      if (status === "paid") finish();
      showResult(result);
    };
    const showResult = (result) => {
      const paid = result.status === "paid";
      const close = h("button", { class: "big", id: "invoice-done", onclick: leave }, t(paid ? "ok" : "tryAgain"));
      sheet.replaceChildren(h("span", { class: `sheet__coin sheet__coin--${paid ? "done" : "failed"}` }, icon(paid ? "check" : "close")),
        h("h3", {}, t(paid ? "paid" : "failed")), h("p", { dir: "auto" }, paid ? t("thanks", { bot: invoice.seller, sum: price }) : result.error || ""), close);
      close.focus();
      if (paid) setTimeout(leave, 1600);
    };
    const main = h("button", { class: "big", id: "invoice-pay", onclick: () => pay("paid") }, h("bdi", {}, t("pay", { sum: price })));
    sheet.setAttribute("aria-label", invoice.title);
    sheet.append(h("span", { class: "sheet__coin" }, icon("star")), h("h3", { dir: "auto" }, invoice.title), h("p", { dir: "auto" }, invoice.description),
      h("p", {}, h("b", {}, t("payTo", { sum: price, bot: invoice.seller })), invoice.subscription_period ? ` ${t("month")}` : ""), main,
      h("button", { class: "plain", id: "invoice-cancel", onclick: leave }, t("cancel")), h("button", { class: "plain plain--small", id: "invoice-fail", onclick: () => pay("failed") }, t("decline")));
    main.focus();
  });
}

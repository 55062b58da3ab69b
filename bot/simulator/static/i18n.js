// Telegram's own words around the chat and the Mini App, in the language of whom one is.
import { state } from "./api.js";

const WORDS = {
  en: {
    bot: "bot", typing: "typing…", start: "START", restart: "RESTART", unblock: "Unblock the bot", message: "Message", menu: "Menu",
    you: "You", photo: "Photo", file: "File", invoice: "Invoice", edited: "edited", copied: "Copied to clipboard",
    today: "Today", yesterday: "Yesterday", close: "Close", back: "Back", mini: "mini app", reload: "Reload page", settings: "Settings",
    cancel: "Cancel", ok: "OK", allow: "Allow", open: "Open", openLink: "Open this link?", download: "Download", downloadFile: "Download this file?",
    allowWrite: "Allow {bot} to write to you?", leave: "Changes may not be saved. Close anyway?", pay: "Pay {sum}", payTo: "Pay {sum} to {bot}?",
    paying: "Paying…", paid: "Paid", thanks: "{bot} has your {sum}.", failed: "Not paid", tryAgain: "Close", decline: "Let the payment fail",
    paidService: "You paid {sum} for “{title}”", refundedService: "{sum} were given back", joined: "{title} joined", left: "{title} left",
    data: "Data sent by “{title}”", blockBot: "Block the bot", unblockBot: "Unblock the bot", protectedMessage: "Copying is off for this message",
    forwarded: "Forwarded from {title}", attach: "Attach a file", send: "Send", reply: "Reply", commands: "Commands", keyboard: "Keyboard",
    group: "Group", askJoin: "An administrator, or the bot, will look at your request.", join: "Join", request: "Request to join", joinedNow: "You are in the group",
    requested: "Request sent", banned: "You were removed from this group", expired: "This link no longer works", already: "You are a member", receipt: "Paid",
    unknown: "Telegram would open {url}", share: "Telegram would share:", month: "every 30 days", renewNow: "Renew now", failRenewal: "Fail a renewal", cancelSub: "Cancel renewals", resumeSub: "Resume renewals", canceledByBot: "Cancelled by the bot", opens: "The Mini App opens here", minimised: "still open in the background", noAnswer: "The Mini App does not answer at {url}",
    hello: "What can this bot do?", reopen: "Open",
  },
  ar: {
    bot: "بوت", typing: "يكتب…", start: "ابدأ", restart: "إعادة التشغيل", unblock: "إلغاء حظر البوت", message: "رسالة", menu: "القائمة",
    you: "أنت", photo: "صورة", file: "ملف", invoice: "فاتورة", edited: "معدّلة", copied: "نُسخ إلى الحافظة",
    today: "اليوم", yesterday: "أمس", close: "إغلاق", back: "رجوع", mini: "تطبيق مصغّر", reload: "إعادة تحميل الصفحة", settings: "الإعدادات",
    cancel: "إلغاء", ok: "حسنًا", allow: "سماح", open: "فتح", openLink: "فتح هذا الرابط؟", download: "تنزيل", downloadFile: "تنزيل هذا الملف؟",
    allowWrite: "السماح لـ {bot} بمراسلتك؟", leave: "قد لا تُحفظ التغييرات. هل تريد الإغلاق؟", pay: "ادفع {sum}", payTo: "هل تدفع {sum} إلى {bot}؟",
    paying: "جارٍ الدفع…", paid: "تم الدفع", thanks: "استلم {bot} مبلغ {sum}.", failed: "لم يتم الدفع", tryAgain: "إغلاق", decline: "دع الدفع يفشل",
    paidService: "دفعت {sum} مقابل «{title}»", refundedService: "أُعيد إليك {sum}", joined: "انضم {title}", left: "غادر {title}",
    data: "بيانات أرسلها «{title}»", blockBot: "حظر البوت", unblockBot: "إلغاء حظر البوت", protectedMessage: "نسخ هذه الرسالة غير متاح",
    forwarded: "محوّلة من {title}", attach: "إرفاق ملف", send: "إرسال", reply: "رد", commands: "الأوامر", keyboard: "لوحة المفاتيح",
    group: "مجموعة", askJoin: "سينظر المشرف أو البوت في طلبك.", join: "انضمام", request: "طلب الانضمام", joinedNow: "أنت الآن في المجموعة",
    requested: "أُرسل الطلب", banned: "أُزلت من هذه المجموعة", expired: "لم يعد هذا الرابط يعمل", already: "أنت عضو بالفعل", receipt: "مدفوعة",
    unknown: "سيفتح تيليجرام {url}", share: "سيشارك تيليجرام:", month: "كل 30 يومًا", renewNow: "جدّد الآن", failRenewal: "أفشل التجديد", cancelSub: "ألغِ التجديد", resumeSub: "استأنف التجديد", canceledByBot: "ألغاه البوت", opens: "يُفتح التطبيق المصغّر هنا", minimised: "ما زال مفتوحًا في الخلفية", noAnswer: "التطبيق المصغّر لا يجيب على {url}",
    hello: "ماذا يفعل هذا البوت؟", reopen: "فتح",
  },
  ru: {
    bot: "бот", typing: "печатает…", start: "ЗАПУСТИТЬ", restart: "ПЕРЕЗАПУСТИТЬ", unblock: "Разблокировать бота", message: "Сообщение", menu: "Меню",
    you: "Вы", photo: "Фото", file: "Файл", invoice: "Счёт", edited: "изм.", copied: "Скопировано",
    today: "Сегодня", yesterday: "Вчера", close: "Закрыть", back: "Назад", mini: "мини-приложение", reload: "Обновить страницу", settings: "Настройки",
    cancel: "Отмена", ok: "ОК", allow: "Разрешить", open: "Открыть", openLink: "Открыть ссылку?", download: "Скачать", downloadFile: "Скачать файл?",
    allowWrite: "Разрешить {bot} писать вам?", leave: "Изменения могут не сохраниться. Закрыть?", pay: "Оплатить {sum}", payTo: "Заплатить {sum} {bot}?",
    paying: "Оплата…", paid: "Оплачено", thanks: "{bot} получил {sum}.", failed: "Не оплачено", tryAgain: "Закрыть", decline: "Пусть платёж не пройдёт",
    paidService: "Вы заплатили {sum} за «{title}»", refundedService: "Вам вернули {sum}", joined: "{title} теперь в группе", left: "{title} больше не в группе",
    data: "Данные отправлены: «{title}»", blockBot: "Заблокировать бота", unblockBot: "Разблокировать бота", protectedMessage: "Это сообщение нельзя копировать",
    forwarded: "Переслано от {title}", attach: "Прикрепить файл", send: "Отправить", reply: "Ответить", commands: "Команды", keyboard: "Клавиатура",
    group: "Группа", askJoin: "Администратор или бот рассмотрит заявку.", join: "Вступить", request: "Подать заявку", joinedNow: "Вы в группе",
    requested: "Заявка отправлена", banned: "Вас удалили из группы", expired: "Ссылка больше не работает", already: "Вы уже участник", receipt: "Оплачено",
    unknown: "Telegram открыл бы {url}", share: "Telegram поделился бы:", month: "каждые 30 дней", renewNow: "Продлить сейчас", failRenewal: "Сорвать продление", cancelSub: "Отменить продление", resumeSub: "Возобновить", canceledByBot: "Отменено ботом", opens: "Мини-приложение откроется здесь", minimised: "всё ещё открыто в фоне", noAnswer: "Мини-приложение не отвечает: {url}",
    hello: "Что умеет этот бот?", reopen: "Открыть",
  },
};
const RIGHT_TO_LEFT = new Set(["ar", "he", "fa", "ur"]);

/** The language of whom one is, as a BCP 47 tag. */
export const language = () => state.person?.language_code || "en";
/** "rtl" or "ltr" for whom one is. */
export const direction = () => (RIGHT_TO_LEFT.has(language().slice(0, 2)) ? "rtl" : "ltr");
/** A word or sentence of Telegram's, with its {places} filled. */
export function t(key, places = {}, tongue = language()) {
  const text = (WORDS[tongue.slice(0, 2)] || WORDS.en)[key] || WORDS.en[key] || key;
  return text.replace(/\{(\w+)\}/g, (_, name) => places[name] ?? "");
}
const locale = (tongue = language()) => ({ ar: "ar-EG", en: "en-GB" }[tongue.slice(0, 2)] || tongue);

/** The time of day of a Unix time. */
export const clock = (seconds, tongue) => new Intl.DateTimeFormat(locale(tongue), { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })
  .format(new Date(seconds * 1000));
/** Today, yesterday, or the date of a Unix time. */
export function day(seconds) {
  const date = new Date(seconds * 1000);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86400000);
  if (days === 0) return t("today");
  if (days === 1) return t("yesterday");
  return new Intl.DateTimeFormat(locale(), { day: "numeric", month: "long" }).format(date);
}
/** A sum: "⭐ 250" for Stars, money by locale otherwise; amounts come in minor units. */
export function sum(amount, currency, tongue) {
  if (currency === "XTR") return `⭐ ${new Intl.NumberFormat(locale(tongue)).format(amount)}`;
  const format = new Intl.NumberFormat(locale(tongue), { style: "currency", currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}
/** The size of a file. */
export function size(bytes) {
  const [value, unit] = bytes < 1024 ? [bytes, "byte"] : bytes < 1048576 ? [bytes / 1024, "kilobyte"]
    : [bytes / 1048576, "megabyte"];
  return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 1 })
    .format(value);
}
/** The sentence of a service message, or null for a kind without one. */
export function serviceSentence(service, tongue) {
  const places = { title: service.title, sum: service.currency ? sum(service.total_amount, service.currency, tongue) : "" };
  const key = { paid: "paidService", refunded: "refundedService", joined: "joined", left: "left",
    web_app_data: "data" }[service.kind];
  return key ? t(key, places, tongue) : null;
}

// Sends a certificate to a chat: as a message that the bot has prepared, or, in older apps, as a link.
const tg = window.Telegram?.WebApp;
document.addEventListener("share", ({ detail: { id, url } }) => {
  if (id && tg?.isVersionAtLeast("8.0")) tg.shareMessage(id);
  else if (tg?.isVersionAtLeast("6.1")) tg.openTelegramLink(url);
  else open(url);
});

// Groups of the simulated Telegram: ask to join, leave, add the bot to a new one.
import { act, get, post, state, trying } from "./api.js";
import { ask, openMenu, toast } from "./dom.js";

const button = document.getElementById("groups");

async function join(group, link) {
  const answer = await trying(() => act("/join", { invite_link: link }));
  if (!answer) return;
  const said = { joined: "You joined", requested: "You asked to join", banned: "You are banned from", expired: "The link no longer works:" };
  toast(`${said[answer.result] || answer.result} ${group.title}`);
}

async function leave(group) {
  if (await trying(() => act("/leave", { chat_id: group.id }))) toast(`You left ${group.title}`);
}

async function addBot() {
  const answer = await ask({
    title: "New group with the bot", text: "The bot becomes an admin who may invite and remove people.",
    fields: [{ name: "title", label: "Name", placeholder: "Circle" },
      { name: "kind", label: "Type", options: [["supergroup", "Group"], ["channel", "Channel"], ["group", "Small group"]] },
      { name: "rights", label: "Rights of the bot", options: [["can_invite_users,can_restrict_members", "Invite and ban"],
        ["can_invite_users", "Invite only"], ["", "None"]] }],
    buttons: [{ text: "Cancel", value: null }, { text: "Create", value: "ok", kind: "main" }],
  });
  const title = answer?.values.title.trim();
  if (!title) return;
  const rights = answer.values.rights.split(",").filter(Boolean);
  const made = await trying(() => post("/groups", { title, kind: answer.values.kind, rights, owner: state.me }));
  if (made) toast(`The bot is in ${title}`);
}

function entry(group) {
  const status = group.members[state.me];
  const link = group.invite_links.findLast((one) => !one.is_revoked)?.invite_link;
  if (status === "creator") return { icon: "star", text: `${group.title}: yours`, act: () => toast(`${Object.keys(group.members).length} members, ${group.requests.length} requests`) };
  if (status === "member" || status === "administrator") return { icon: "close", danger: true, text: `Leave ${group.title}`, act: () => leave(group) };
  if (group.requests.includes(state.me)) return { icon: "check", text: `${group.title}: requested`, act: () => toast("An admin or the bot decides") };
  return link ? { icon: "link", text: `Ask to join ${group.title}`, act: () => join(group, link) } : null;
}

button.addEventListener("click", async () => {
  const groups = await trying(() => get("/groups"));
  if (!groups) return;
  openMenu(button, [...groups.map(entry).filter(Boolean), { icon: "add", text: "New group with the bot", act: addBot }]);
});

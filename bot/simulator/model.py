"""What the simulated Telegram remembers: people, chats, invoices, files, links and the bot's settings."""

from typing import Any, Literal

import msgspec

from bot.simulator.telegram_types import Chat, Message, Update, User

MemberStatus = Literal["left", "member", "kicked", "restricted", "administrator", "creator"]
GroupKind = Literal["group", "supergroup", "channel"]
BotStatus = Literal["administrator", "member", "left", "kicked"]
INSIDE: frozenset[MemberStatus] = frozenset({"member", "administrator", "creator"})
BOT_RIGHTS = ("can_invite_users", "can_restrict_members")
"""The rights that let people in and out."""


class Persona(msgspec.Struct, kw_only=True):
    """A person whom the page or a test can be."""

    id: int
    first_name: str
    language_code: str
    last_name: str | None = None
    username: str | None = None
    is_premium: bool = False
    role: str = ""
    started: bool = False
    blocked: bool = False
    allows_write: bool = False
    read_up_to: int = 0
    keyboard: dict[str, Any] | None = None
    keyboard_id: int = 0

    def user(self) -> User:
        """The person as the Bot API's User object."""
        return User(
            id=self.id,
            is_bot=False,
            first_name=self.first_name,
            last_name=self.last_name,
            username=self.username,
            language_code=self.language_code,
            is_premium=self.is_premium or None,
        )

    def chat(self) -> Chat:
        """The private chat with the bot as the Bot API's Chat object."""
        return Chat(
            id=self.id, type="private", username=self.username, first_name=self.first_name, last_name=self.last_name
        )


class InviteLink(msgspec.Struct, kw_only=True):
    """An invite link of a group; expire_date in Unix seconds."""

    invite_link: str
    creates_join_request: bool = False
    name: str | None = None
    expire_date: int | None = None
    member_limit: int | None = None
    is_revoked: bool = False
    joined: int = 0


class Group(msgspec.Struct, kw_only=True):
    """A private group or channel; `guard`: the bot answers for its requests to join.

    `queries` are requests that wait for the guard's answer: by their id, who asks, by which link and since when.
    """

    id: int
    title: str
    kind: GroupKind = "supergroup"
    bot: BotStatus = "administrator"
    rights: list[str] = msgspec.field(default_factory=lambda: list(BOT_RIGHTS))
    guard: bool = False
    moved_to: int | None = None
    queries: dict[str, tuple[int, str, float]] = {}
    members: dict[int, MemberStatus] = {}
    links: dict[str, InviteLink] = {}
    requests: dict[int, str] = {}

    def chat(self) -> Chat:
        """The group as the Bot API's Chat object."""
        return Chat(id=self.id, type=self.kind, title=self.title)


class StoredFile(msgspec.Struct, kw_only=True):
    """A file that the bot or a person sent; size in bytes, content lies beside."""

    file_id: str
    file_unique_id: str
    file_path: str
    name: str
    mime_type: str
    size: int
    width: int = 0
    height: int = 0


class Invoice(msgspec.Struct, kw_only=True):
    """An invoice by link or message; amounts in minor units, or whole Stars; the period in seconds."""

    slug: str
    title: str
    description: str
    payload: str
    currency: str
    total_amount: int
    photo_url: str | None = None
    subscription_period: int | None = None
    message_id: int | None = None


class Charge(msgspec.Struct, kw_only=True):
    """A payment that went through; dates in Unix seconds."""

    id: str
    user_id: int
    slug: str
    payload: str
    currency: str
    amount: int
    date: int
    refunded: bool = False
    subscription_period: int | None = None
    subscription_until: int | None = None
    subscription_canceled: bool = False
    bot_canceled: bool = False
    """Whether the bot has cancelled it: its person cannot resume it then."""
    renewal_of: str | None = None
    """The first charge of the subscription, which holds its state; None for that one itself."""


class Webhook(msgspec.Struct, kw_only=True):
    """Where updates are posted; an empty url means getUpdates."""

    url: str = ""
    secret_token: str = ""
    max_connections: int = 40
    last_error_date: int | None = None
    last_error_message: str | None = None


class BotSettings(msgspec.Struct, kw_only=True):
    """What the bot set about itself; commands by "scope|language", buttons and texts by chat or language."""

    commands: dict[str, list[dict[str, Any]]] = {}
    menu_buttons: dict[int, dict[str, Any]] = {}
    texts: dict[str, str] = {}
    webhook: Webhook = msgspec.field(default_factory=Webhook)
    allowed_updates: list[str] | None = None


class Snapshot(msgspec.Struct, kw_only=True):
    """The whole memory, as it is kept in the state file."""

    personas: dict[int, Persona] = {}
    groups: dict[int, Group] = {}
    messages: dict[int, dict[int, Message]] = {}
    invoices: dict[str, Invoice] = {}
    charges: dict[str, Charge] = {}
    transactions: list[dict[str, Any]] = []
    files: dict[str, StoredFile] = {}
    updates: list[Update] = []
    bot: BotSettings = msgspec.field(default_factory=BotSettings)
    next_message_id: int = 1
    next_update_id: int = 100_000_001


def demo_group(root_admin_id: int) -> Group:
    """The demo's group: the admin owns it, one student is in, one buyer has asked to join."""
    link = InviteLink(invite_link="https://t.me/+CalmCircle", creates_join_request=True)
    return Group(
        id=-1_002_400_000_001,
        title="Calm circle",
        members={root_admin_id: "creator", 700000002: "member"},
        links={link.invite_link: link},
        requests={700000001: link.invite_link},
    )


def default_personas(root_admin_id: int) -> dict[int, Persona]:
    """The five people that the page offers at first; the admin has the root admin's Telegram id."""
    people = [
        Persona(id=700000001, first_name="Emma", last_name="Clarke", username="emma_clarke", language_code="en",
                role="buyer"),
        Persona(id=700000002, first_name="ليلى", last_name="حداد", username="layla_haddad", language_code="ar",
                role="buyer"),
        Persona(id=700000003, first_name="Дмитрий", last_name="Волков", username="d_volkov", language_code="ru",
                is_premium=True, role="buyer"),
        Persona(id=700000004, first_name="Noah", last_name="Okafor", username="noah_okafor", language_code="en",
                role="student", started=True),
    ]  # fmt: skip
    # Noah takes a course in the chat. The admin who set up the bot has started it: the admin can be told of orders
    # before opening the chat here.
    admin = Persona(
        id=root_admin_id, first_name="Nadia", last_name="Aziz", username="nadia_souk", language_code="en",
        role="admin", started=True,
    )  # fmt: skip
    people = [person for person in people if person.id != root_admin_id]
    return {person.id: person for person in [*people, admin]}

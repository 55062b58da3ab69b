"""The control API: being people, by HTTP. The page and the tests use the same one.

All bodies and answers are JSON; an error is `{"error": "..."}` with its status. P is /control/personas/{id}.

    GET    /control/info                  bot, public_url, themes, webhook, pending updates
    GET    /control/personas              all people: id, names, language_code, unread, keyboard, commands, ...
    POST   /control/personas              {first_name, language_code?, id?, last_name?, username?, is_premium?,
                                          role?, started?} makes a person
    PATCH  P                              any of first_name, last_name, username, language_code, is_premium
    GET    P/messages?after=&wait=&chat_id=   messages newer than `after`, oldest first; with `wait` seconds it
                                          waits for a message of the bot newer than `after`
    POST   P/read                         marks the chat as read
    POST   P/send                         {text, reply_to?, chat_id?} writes a text or command, "/start payload" too
    POST   P/files                        multipart file, caption?, kind=photo|document|voice|video|audio|sticker,
                                          reply_to?, media_group_id?
    POST   P/press                        {message_id, text? | row?, column?, wait?, theme?, chat_id?} presses an inline
                                          button; text may be the button's label or its callback data; answers
                                          {kind: callback|web_app|url|copy|pay, ...}; callback waits for its answer
    GET    P/prepared?id=                 what shareMessage would send
    POST   P/prepared                     {id, chat_id?} sends it
    POST   P/menu-button                  {theme?} opens its Mini App: {url, init_data, address}
    POST   P/open                         {url?, start_param?, theme?, source?} opens any Mini App address
    POST   P/link                         {url, theme?} follows a t.me link: start, startapp, invoice, invite
    GET    P/init-data?start_param=&auth_date=   {init_data} freshly signed
    POST   P/block, P/unblock             the bot hears my_chat_member; answers 403 from then on
    POST   P/write-access                 {granted} what requestWriteAccess asks
    POST   P/web-app-data                 {button_text, data} what sendData gives
    GET    P/invoice?slug=                an invoice's card
    POST   P/pay                          {slug? | message_id?, outcome: paid|failed|cancelled} -> {status,
                                          charge_id?, error?}; slug may be the whole link
    POST   P/join                         {invite_link} -> {result: joined|requested|already_member|banned|expired}
    POST   P/leave                        {chat_id}
    POST   /control/renew                 {charge_id, outcome?: paid|failed} renews a Stars subscription now; charge_id
                                          is that of its first payment
    POST   /control/subscription          {charge_id, canceled} cancels it in Telegram's settings, or resumes it there
    GET    /control/groups                all groups: kind, the bot and its rights, members, requests, links
    POST   /control/groups                {title, id?, kind?, bot?, rights?, guard?, owner?} makes a group with the
                                          bot, by default as administrator who may invite and remove. G is
                                          /control/groups/{id}
    POST   G/bot                          {status?, rights?, guard?} adds or removes the bot, changes its rights
    POST   G/members                      {user_id, status, by?} what an admin of the group makes of somebody
    POST   G/revoke                       {invite_link}
    POST   G/upgrade                      makes a supergroup of a small group
    POST   /control/faults                {method, kind: 429|error|drop|html, times?, retry_after?, status?,
                                          description?, body?}
    GET, DELETE /control/faults           the faults that wait; forget them
    POST   /control/rate-limit            {enabled}
    GET, DELETE /control/calls?method=    the bot's last calls with their parameters; forget them
    GET    /control/transactions          Star transactions and charges
    GET    /control/files/{file_id}       a file's content
    GET    /control/events                server-sent events: message, deleted, keyboard, menu, people, typing, reset
    POST   /control/reset                 as on the first start
"""

from litestar import Router

from bot.simulator import control_bot, control_groups, control_people

router = Router(
    path="/control", route_handlers=[*control_people.HANDLERS, *control_groups.HANDLERS, *control_bot.HANDLERS]
)

"""The control API: what a test or a person does to the bank from outside.

All routes are under /_control, answer JSON, and refuse peers that are not on this
machine. Times in requests are ISO 8601; amounts have Plaid's sign (positive = out).

GET  /_control/state             {now, settings, items: [...], faults: [...]}
POST /_control/clock             {"now": "2026-03-01T12:00:00Z"} or {"now": null} (real
                                 time). It goes on ticking from there. -> {now}
GET  /_control/calls             ?endpoint=&item_id= -> {counts: {endpoint: n}, calls:
                                 [{at, endpoint, item_id, status, error_code,
                                 milliseconds}]}; at is real time in seconds since 1970
POST /_control/calls/clear       forget the calls counted so far
POST /_control/faults            one switch, see faults.Fault -> {fault}
GET  /_control/faults            {faults: [...]}
POST /_control/faults/clear      {} all, or {"id": 3}
POST /_control/settings          any of settings.Settings, e.g. {"initial_delay": 1.5,
                                 "historical_delay": 3} -> {settings}

An item's world (each tells the app by webhook as Plaid would, unless "quiet": true):
GET  /_control/items/ID/transactions      ?pending=1 -> {transactions: [...]}
POST /_control/items/ID/transactions      {"transactions": [as in Plaid's
                                          /sandbox/transactions/create, with account_id
                                          or pending_transaction_id]} -> {ids}
POST /_control/items/ID/transactions/TX   members to replace, e.g. {"amount": 12.5,
                                          "name": "X", "date": "2026-01-31",
                                          "account_id": "other account"}
POST /_control/items/ID/transactions/TX/post     a pending one posts: {"amount": 23.6,
                                          "date": "2026-02-01", "account_id": ".."},
                                          all optional -> {id}
POST /_control/items/ID/transactions/TX/remove   it vanishes
POST /_control/items/ID/repeat            {"count": 5}: rows come again unchanged, as
                                          modified ones
POST /_control/items/ID/accounts          a new account, members of worlds.Account:
                                          {"name", "type", "subtype", "mask", "current"}
                                          -> {account_id}; seen after update mode
POST /_control/items/ID/accounts/AC/revoke
POST /_control/items/ID/event             {"event": NAME}, see control.happenings:
                                          login_required, login_repaired, bank_down,
                                          bank_up, pending_expiration {"days": 7},
                                          pending_disconnect {"days": 7, "reason": ..},
                                          permission_revoked, error {"code": ..},
                                          history_ready
Webhooks:
GET  /_control/webhooks                   ?item_id= -> {webhooks: [{number, code, url,
                                          attempts, status, payload}]}; status is
                                          waiting, sending, delivered, lost, held,
                                          given up or "retrying after .."
POST /_control/webhooks/mischief          mischief.Mischief: {"kind": "lose" | "hold" |
                                          "duplicate" | "forge", "code": null,
                                          "times": 1, "forgery": "signature" | "hash" |
                                          "age" | "kid" | "algorithm"}
POST /_control/webhooks/release           {"reversed": true} sends what is held
POST /_control/webhooks/resend            {"number": 7} once more, whatever its status
POST /_control/webhooks/rotate-key        -> {kid}; the keys before have expired

POST /_control/reset             calls, faults, limits, clock and settings as started;
                                 {"items": true} also forgets every item and token
"""

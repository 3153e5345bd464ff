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
POST /_control/reset             calls, faults, limits, clock and settings as when new;
                                 {"items": true} also forgets every item and token
"""

"""One transaction, and what the bank changed on those a person had worked on."""

import datetime as dt
import uuid

from flask import Blueprint, Response, abort, flash, request, url_for
from flask_login import current_user, login_required

from webapp.extensions import db
from webapp.htmx import go_to, render, wants_fragment
from webapp.ledger.bank_changes import count_bank_changes, list_bank_changes
from webapp.ledger.decisions import Decision, decide
from webapp.ledger.edits import EditError, edit
from webapp.ledger.versions import list_past_changes
from webapp.transactions.forms import EditForm, form_of
from webapp.transactions.queries import Detail, find_transaction, list_categories

bp = Blueprint("transactions", __name__, url_prefix="/transactions")


@bp.get("/<uuid:id>")
@login_required
def show(id: uuid.UUID) -> Response:
    detail = _own(id)
    return _page(detail, form_of(detail))


@bp.post("/<uuid:id>/edits")
@login_required
def update(id: uuid.UUID) -> Response:
    detail, form = _own(id), EditForm()
    try:
        edit(db.session(), current_user.id, [id], form.wanted)
    except EditError as error:
        form.refuse(error)
        return _page(detail, form, 422)
    db.session.commit()
    if wants_fragment():
        detail = _own(id)
        return _page(detail, form_of(detail), saved=True)
    flash("Saved.", "success")
    return go_to(url_for("transactions.show", id=id))


@bp.get("/changes")
@login_required
def changes() -> Response:
    return _changes()


@bp.post("/<uuid:id>/decisions")
@login_required
def decide_one(id: uuid.UUID) -> Response:
    _own(id)
    return _decided(id)


@bp.post("/changes/decisions")
@login_required
def decide_all() -> Response:
    return _decided(None)


def _own(id: uuid.UUID) -> Detail:
    """The signed-in person's transaction; somebody else's is not found."""
    detail = find_transaction(db.session(), current_user.id, id)
    if detail is None:
        abort(404)
    return detail


def _page(
    detail: Detail, form: EditForm, status: int = 200, *, saved: bool = False
) -> Response:
    form.offer(detail, list_categories(db.session()))
    return render(
        "transactions/show.html",
        "transactions/_transaction.html",
        status,
        transaction=detail,
        form=form,
        saved=saved,
        past=list_past_changes(db.session(), current_user.id, detail.id),
    )


def _decided(only: uuid.UUID | None) -> Response:
    try:
        decision = Decision(request.form.get("decision", ""))
        seen_at = _instant(request.form.get("seen_at", ""))
    except ValueError:
        abort(422)
    decide(db.session(), current_user.id, decision, seen_at, only)
    db.session.commit()
    if wants_fragment():
        return _changes()
    return go_to(url_for("transactions.changes"))


def _changes() -> Response:
    before = _place(request.args.get("before"))
    found, more = list_bank_changes(db.session(), current_user.id, before)
    if before and not found:
        before = None
        found, more = list_bank_changes(db.session(), current_user.id)
    return render(
        "transactions/changes.html",
        "transactions/_changes.html",
        changes=found,
        count=count_bank_changes(db.session(), current_user.id),
        newest=max((change.seen_at for change in found), default=None),
        here=_words_of(before),
        next=_words_of((found[-1].seen_at, found[-1].id)) if more else None,
    )


def _place(words: str | None) -> tuple[dt.datetime, uuid.UUID] | None:
    """Where a page begins, out of its address."""
    if not words:
        return None
    try:
        at, _, id = words.partition("_")
        return _instant(at), uuid.UUID(id)
    except ValueError:
        abort(404)


def _words_of(place: tuple[dt.datetime, uuid.UUID] | None) -> str | None:
    return f"{place[0].isoformat()}_{place[1]}" if place else None


def _instant(words: str) -> dt.datetime:
    """Raises ValueError. In UTC, for PostgreSQL knows fewer zones than Python."""
    at = dt.datetime.fromisoformat(words)
    if at.tzinfo is None:
        raise ValueError("an instant needs its zone")
    try:
        return at.astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError("no such year") from error

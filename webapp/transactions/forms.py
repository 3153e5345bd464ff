"""What a person may write on a transaction."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, StringField, TextAreaField

from webapp.ledger.edits import FIELDS, EditError
from webapp.transactions.queries import Detail


class EditForm(FlaskForm):
    # what may stand in a field is checked where it is written
    user_category = SelectField("Category", validate_choice=False)
    user_name = StringField("Name", render_kw={"autocomplete": "off"})
    note = TextAreaField("Note", render_kw={"rows": 3})
    excluded = BooleanField("Leave it out of all totals")
    reviewed = BooleanField("I have looked at it")

    def offer(self, detail: Detail, groups: dict[str, list[tuple[str, str]]]) -> None:
        """What the bank says stands first, and in the empty field."""
        said = detail.category_label or "Uncategorised"
        self.user_category.choices = {
            "Your bank's": [("", f"{said} (your bank's)")],
            **groups,
        }
        self.user_name.render_kw = {
            **self.user_name.render_kw,
            "placeholder": detail.name,
        }

    @property
    def wanted(self) -> dict[str, object]:
        return {name: self[name].data for name in FIELDS}

    def refuse(self, error: EditError) -> None:
        self[error.field].errors = [str(error)]


def form_of(detail: Detail) -> EditForm:
    """Filled with what the person wrote until now."""
    return EditForm(
        formdata=None,
        data={
            "user_category": detail.user_category or "",
            "user_name": detail.user_name,
            "note": detail.note,
            "excluded": detail.excluded,
            "reviewed": detail.reviewed_at is not None,
        },
    )

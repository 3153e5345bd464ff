"""The post itself: encryption that is checked, a log-in, a server that is silent."""

import datetime as dt
import ipaddress
import ssl
from email.message import EmailMessage

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from webapp.mail.post import LogPost, SmtpPost, Undelivered, make_post


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[str, str]:
    """A self-signed one for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(paths[0]), str(paths[1])


@pytest.fixture
def secured(start, inbox, certificate) -> int:
    """A server that wants STARTTLS and a password."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return start(
        tls_context=context, require_starttls=True, auth_required=True,
        authenticator=inbox.authenticate,
    )  # fmt: skip


def mail() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "from@example.com", "to@example.com"
    message.set_content("Hello")
    return message


def test_it_logs_in_after_the_connection_is_encrypted(secured, inbox, certificate):
    trusted = ssl.create_default_context(cafile=certificate[0])
    post = SmtpPost("127.0.0.1", secured, "starttls", "me", "hush", trusted)
    post.send(mail())
    assert inbox.passwords == [b"hush"]
    assert [m.get_content().strip() for m in inbox.mails] == ["Hello"]


def test_a_server_that_cannot_prove_who_it_is_gets_no_password(secured, inbox):
    post = SmtpPost("127.0.0.1", secured, "starttls", "me", "hush")
    with pytest.raises(Undelivered, match="SSLCertVerificationError"):
        post.send(mail())
    assert (inbox.passwords, inbox.mails) == ([], [])


def test_a_server_without_encryption_gets_nothing(start, inbox):
    post = SmtpPost("127.0.0.1", start(), "starttls", "me", "hush")
    with pytest.raises(Undelivered, match="SMTPNotSupportedError"):
        post.send(mail())
    assert inbox.mails == []


def test_which_post_the_settings_make():
    rest = ("mail.example.com", 587, "starttls", None, None)
    assert make_post("off", *rest) is None
    assert isinstance(make_post("log", *rest), LogPost)
    assert make_post("smtp", *rest) == SmtpPost("mail.example.com", 587, "starttls")

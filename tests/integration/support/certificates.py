"""Certificates as servers should have them, and as they sometimes do."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


class Chain:
    """A private key and the certificates that a server sends with it."""

    def __init__(self, key, *certificates):
        self.key = key
        self.certificates = certificates

    def pem(self):
        key = self.key.private_bytes(serialization.Encoding.PEM,
                                     serialization.PrivateFormat.TraditionalOpenSSL,
                                     serialization.NoEncryption())
        return key + b"".join(_pem(one) for one in self.certificates)


def _issue(common_name, issuer=None, *, names=(), ca=False, start=-DAY, end=30 * DAY):
    """A fresh key and its certificate, signed by issuer (a Chain) or by itself."""
    now = datetime.datetime.utcnow()
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (x509.CertificateBuilder()
               .subject_name(_name(common_name))
               .issuer_name(issuer.certificates[0].subject if issuer
                            else _name(common_name))
               .public_key(key.public_key())
               .serial_number(x509.random_serial_number())
               .not_valid_before(now + start)
               .not_valid_after(now + end)
               .add_extension(x509.BasicConstraints(ca=ca, path_length=None), True))
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    return Chain(key, certificate)


def every_kind(authority, names):
    """The chains of servers with these names, by what is the matter with them."""
    root = Chain(
        serialization.load_pem_private_key(authority.ca.private_key_pem.bytes(), None),
        x509.load_pem_x509_certificate(authority.ca.cert_pem.bytes()))
    between = _issue("an authority in between", root, ca=True)
    leaf = _issue("leaf", between, names=names)
    return {
        "good": _issue("good", root, names=names),
        "expired": _issue("expired", root, names=names, start=-9 * DAY, end=-DAY),
        "not yet valid": _issue("not yet valid", root, names=names, start=DAY),
        "of another host": _issue("another", root, names=["other.example.com"]),
        "self-signed": _issue("self-signed", names=names),
        "of a stranger": _issue("stranger", _issue("a strange authority", ca=True),
                                names=names),
        "with an incomplete chain": leaf,
        "with its chain": Chain(leaf.key, *leaf.certificates, *between.certificates),
    }

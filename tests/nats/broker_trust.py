"""What a NATS server asks its clients for: certificates by openssl, and the signed JSON of an operator, an account and a user, as `nsc` makes them."""
import base64
import hashlib
import json
import subprocess
import time

OPERATOR, ACCOUNT, USER, SEED = 14 << 3, 0, 20 << 3, 18 << 3  # the first byte of a key's text, so that it begins with O, A, U, S


def openssl(*words, cwd):
    return subprocess.run(["openssl", *map(str, words)], cwd=cwd, check=True, capture_output=True).stdout


def make_authority(folder, name):
    """NAME.pem and NAME.key, self-signed."""
    openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", f"/CN={name}", "-days", "2", "-out", f"{name}.pem", "-keyout", f"{name}.key", cwd=folder)


def make_certificate(folder, name, authority, alternative):
    """NAME.pem and NAME.key, signed by the authority. @param alternative  whose it is, as "IP:127.0.0.1" """
    openssl("req", "-newkey", "ed25519", "-nodes", "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}", "-out", f"{name}.csr", "-keyout", f"{name}.key", cwd=folder)
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial", "-copy_extensions", "copy", "-days", "2", "-out",
            f"{name}.pem", cwd=folder)


def crc16(data):
    """CRC-16/XMODEM."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def key_text(data):
    return base64.b32encode(data + crc16(data).to_bytes(2, "little")).decode().rstrip("=")


class NKey:
    """An Ed25519 key as NATS writes it."""

    def __init__(self, folder, name, kind):
        self.folder, self.file = folder, f"{name}.nkey"
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.file, cwd=folder)
        seed = openssl("pkey", "-in", self.file, "-outform", "DER", cwd=folder)[-32:]
        public = openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER", cwd=folder)[-32:]
        self.public = key_text(bytes([kind]) + public)
        self.seed = key_text(bytes([SEED | kind >> 5, (kind & 31) << 3]) + seed)

    def sign(self, subject, name, claims):
        """A JWT of this key about `subject`."""
        told = {"iat": int(time.time()), "iss": self.public, "name": name, "sub": subject, "nats": {"version": 2, **claims}}
        told["jti"] = base64.b32encode(hashlib.sha256(json.dumps(told).encode()).digest()).decode().rstrip("=")
        text = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, told))
        (self.folder / "to-sign").write_text(text)
        signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in", "to-sign", cwd=self.folder)
        return text + "." + base64.urlsafe_b64encode(signature).decode().rstrip("=")


def make_credentials(folder):
    """user.creds; gives the part of a server's configuration that takes it."""
    operator, account, user = NKey(folder, "operator", OPERATOR), NKey(folder, "account", ACCOUNT), NKey(folder, "user", USER)
    limits = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}
    user_jwt = account.sign(user.public, "house", {"type": "user", "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1})
    (folder / "user.creds").write_text(f"-----BEGIN NATS USER JWT-----\n{user_jwt}\n------END NATS USER JWT------\n\n"
                                       f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n")
    return (f"operator: {operator.sign(operator.public, 'operator', {'type': 'operator'})}\nresolver: MEMORY\n"
            f"resolver_preload: {{ {account.public}: {operator.sign(account.public, 'account', {'type': 'account', 'limits': limits})} }}\n")

"""A little OpenID provider on the loopback: it signs in whoever it is told to, with the claims it is told to."""

import hashlib
import json
import threading
import time
from base64 import urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT = "callsheet-desk"


class Provider:
    """Serves discovery, keys, authorisation and tokens; keeps what it was asked."""

    def __init__(self) -> None:
        self._key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.stranger = RSAKey.generate_key(2048, {"kid": "one"})
        self.claims: dict = {}
        self.signs_with = self._key
        self.overrides: dict = {}
        self.asked: list[dict] = []
        self._codes: dict[str, dict] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def discovery(self) -> dict:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def authorize(self, asked: dict) -> str:
        self.asked.append(asked)
        code = f"code-{len(self.asked)}"
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict) -> dict | None:
        asked = self._codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if asked is None or urlsafe_b64encode(verifier).rstrip(b"=").decode() != asked["code_challenge"]:
            return None
        at = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "1", "iat": at, "exp": at + 300, "nonce": asked["nonce"]}
        signed = jwt.encode(
            {"alg": "RS256", "kid": "one"}, {**claims, **self.claims, **self.overrides}, self.signs_with
        )
        return {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": signed}

    def keys(self) -> dict:
        return KeySet([self._key]).as_dict(private=False)

    def _handler(self):
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path, asked = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
                if path == "/authorize":
                    self.send_response(302)
                    self.send_header("location", provider.authorize({name: each[0] for name, each in asked.items()}))
                    self.end_headers()
                else:
                    self.answer(provider.keys() if path == "/keys" else provider.discovery())

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                self.answer(provider.token({name: each[0] for name, each in parse_qs(body).items()}))

            def answer(self, data):
                self.send_response(200 if data is not None else 400)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(data or {"error": "invalid_grant"}).encode())

            def log_message(self, *_):
                pass

        return Handler

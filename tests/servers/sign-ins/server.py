"""Checks the sign-ins of requests with independent libraries: Flask-HTTPAuth (HTTP Digest), botocore (AWS Signature Version 4), PyJWT
(assertions), hmac of Python's standard library. Each request is a line of the log: its name and status. The arguments are the port and the
digest's algorithm."""
import base64
import hashlib
import hmac
import logging
import os
import sys

import jwt
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from flask import Flask, jsonify, request
from flask_httpauth import HTTPDigestAuth

NONCE = base64.b64encode(os.urandom(18)).decode()
app = Flask("sign-ins")
app.config["SECRET_KEY"] = "of the test"
digest = HTTPDigestAuth(use_ha1_pw=False, algorithm=sys.argv[2])
# Without cookies: the nonce is that of the process.
digest.generate_nonce(lambda: NONCE)
digest.generate_opaque(lambda: "opaque")
digest.verify_nonce(lambda nonce: nonce == NONCE)
digest.verify_opaque(lambda opaque: opaque == "opaque")
digest.get_password(lambda user: "digest-S3cret" if user == "robot" else None)


@app.after_request
def note(reply):
    print(f"{request.path} {reply.status_code}\n", end="", flush=True)
    return reply


def refused(why):
    return jsonify(message=why), 401


@app.route("/digest/<path:rest>", methods=["GET", "POST"])
@digest.login_required
def by_digest(rest):
    return jsonify(who=digest.current_user(), sent=request.get_json(silent=True))


@app.route("/aws/<path:rest>", methods=["GET", "POST"])
def by_signature(rest):
    given = request.headers.get("Authorization", "")
    names = given.split("SignedHeaders=")[1].split(",")[0].split(";")
    headers = {name: request.headers[name] for name in names if name != "host"}
    # Flask decodes addresses.
    address = request.host_url.rstrip("/") + request.environ["RAW_URI"]
    signed = AWSRequest(request.method, address, data=request.get_data(), headers=headers)
    signed.context["timestamp"] = request.headers["X-Amz-Date"]
    own = SigV4Auth(Credentials("AKIDTEST", "aws-S3cret", request.headers.get("X-Amz-Security-Token")), "notes", "eu-central-1")
    text = own.string_to_sign(signed, own.canonical_request(signed))
    wanted = own.signature(text, signed)
    return jsonify(who="robot") if given.endswith("Signature=" + wanted) else refused("wrong signature of " + text)


@app.route("/hmac/<path:rest>", methods=["GET", "POST"])
def by_hmac(rest):
    body = hashlib.sha256(request.get_data()).hexdigest()
    text = "\n".join([request.method, request.environ["RAW_URI"], request.headers["X-At"], request.headers["X-Nonce"], body])
    wanted = base64.b64encode(hmac.new(b"hmac-S3cret", text.encode(), "sha512").digest()).decode()
    return jsonify(who="robot") if request.headers["Authorization"] == "Robot " + wanted else refused("wrong signature")


@app.post("/token")
def token():
    public = open("public.pem").read()
    kinds = ["RS256", "PS256", "ES256", "EdDSA"]
    own = request.form.get("assertion") or request.form.get("client_assertion")
    try:
        claims = jwt.decode(own, public, algorithms=kinds, audience=request.base_url, issuer="robot", options={"require": ["exp", "iat", "jti"]})
    except jwt.PyJWTError as why:
        return jsonify(error="invalid_grant", error_description=str(why)), 400
    if jwt.get_unverified_header(own).get("kid") != "key-1":
        return jsonify(error="invalid_grant", error_description="kid"), 400
    print("claims", claims.get("sub"), claims.get("team"), flush=True)
    return jsonify(access_token="access-S3cret", token_type="Bearer", expires_in=60)


@app.get("/jwt/me")
def by_token():
    return jsonify(who="robot") if request.headers.get("Authorization") == "Bearer access-S3cret" else refused("token")


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ.pop("FLASK_APP", None)
    app.run("127.0.0.1", int(sys.argv[1]))

"""ChatMRPT, cut down to what a change of session store can break: sign-in, uploaded data, a running count."""

from __future__ import annotations

from flask import Flask, Response, jsonify
from flask_session import Session

from app import account, analysis, conversation
from app.settings import chosen_variant, load_settings


def create_app() -> Flask:
    """Builds the application with its server-side sessions."""
    app = Flask(__name__)
    app.config.from_mapping(load_settings())
    Session(app)
    app.register_blueprint(account.pages)
    app.register_blueprint(analysis.pages)
    app.register_blueprint(conversation.pages)

    @app.get("/ping")
    def ping() -> Response:
        """Health check of the load balancer: needs no session."""
        return jsonify(status="ok")

    if variant := chosen_variant():
        from app import variants

        variants.apply(app, variant)
    return app

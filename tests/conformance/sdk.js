#!/usr/bin/env node
/*
 * sdk.js - the public SDK, unmodified, through a realm's whole life; then what a hostile client would send.
 *
 * Run by `rind demo --minimal --secrets-file tests/conformance/secrets.json --demo tests/conformance/sdk.js`.
 */
import { bytes, check, failure, openRealm, text } from "./realm.js";
import { cbor, clientRequest, makeToken, post1, post2 } from "./wire.js";

const { sdk, configuration, tokens } = await openRealm();
const { RecoverErrorReason, RegisterError, DeleteError } = sdk;
const realm = configuration.realms[0].id;
const address = configuration.realms[0].address;
const info = bytes("conformance");
const newClient = () => new sdk.Client(new sdk.Configuration(configuration), []);

async function expectReason(action, reason, sentence) {
    const error = await failure(action);
    check((error.reason ?? error) === reason, `${sentence} (got ${error.reason ?? error})`);
    return error;
}

async function life() {
    const client = newClient();
    await client.delete();
    check(true, "delete of a user that is not there");
    await expectReason(() => client.recover(bytes("1"), info), RecoverErrorReason.NotRegistered, "not registered");

    const longest = new Uint8Array(128).map((_, i) => i);
    await client.register(bytes("1234"), longest, info, 3);
    check(Buffer.compare(await client.recover(bytes("1234"), info), longest) === 0, "a secret of 128 bytes comes back");
    check(Buffer.compare(await newClient().recover(bytes("1234"), info), longest) === 0, "and to a new client");

    for (const remaining of [2, 1, 0]) {
        const error = await expectReason(() => client.recover(bytes("9"), info), RecoverErrorReason.InvalidPin, "wrong pin");
        check(error.guesses_remaining === remaining, `${remaining} guesses remaining`);
    }
    const locked = await expectReason(() => client.recover(bytes("1234"), info), RecoverErrorReason.InvalidPin, "locked out");
    check(locked.guesses_remaining === 0, "even with the right pin");

    await client.register(bytes([0, 255, 0]), new Uint8Array(0), info, 1);
    check((await client.recover(bytes([0, 255, 0]), info)).length === 0, "re-registered: an empty secret, a binary pin");
    check((await client.recover(bytes([0, 255, 0]), info)).length === 0, "the right pin gives the guess back");
    await client.delete();
    await expectReason(() => client.recover(bytes("1234"), info), RecoverErrorReason.NotRegistered, "deleted");

    await client.register(bytes("p"), bytes("s"), info, 300);
    for (let i = 0; i < 3; i++) {
        const error = await failure(() => client.recover(bytes("q"), info));
        check(error.guesses_remaining === 299 - i, `300 guesses: ${299 - i} remaining`);
    }
    await client.delete();
}

async function previousConfigurations() {
    const other = { ...configuration, pin_hashing_mode: "Standard2019" };
    await newClient().register(bytes("1"), bytes("moved"), info, 2);
    /* The bridge takes previous configurations as plain objects. */
    const client = new sdk.Client(new sdk.Configuration(other), [configuration]);
    const error = await failure(() => client.recover(bytes("1"), info));
    check(error.reason === RecoverErrorReason.InvalidPin || error.reason === RecoverErrorReason.NotRegistered,
        "the same realm with another hashing mode does not know the pin");
    check(text(await newClient().recover(bytes("1"), info)) === "moved", "the old configuration still does");
    await newClient().delete();
}

async function manyUsers() {
    const users = Array.from({ length: 20 }, (_, i) => `user${i}`);
    for (const round of ["first", "second"]) {
        for (const user of users) {
            tokens[realm] = makeToken(realm, { claims: { sub: user } });
            const client = newClient();
            if (round === "first") {
                await client.register(bytes(user), bytes(`secret of ${user}`), info, 2);
            } else {
                const secret = text(await client.recover(bytes(user), info));
                if (secret !== `secret of ${user}`) {
                    throw new Error(`${user} got ${secret}`);
                }
            }
        }
    }
    check(true, "20 users, each with a secret of its own");
}

async function tokensThatMustNotPass() {
    const good = tokens[realm];
    const now = Math.floor(Date.now() / 1000);
    const bad = {
        expired: makeToken(realm, { claims: { iat: now - 1000, nbf: now - 1000, exp: now - 400 } }),
        "not valid yet": makeToken(realm, { claims: { nbf: now + 60, exp: now + 600 } }),
        "for another realm": makeToken("00".repeat(16)),
        "with an array of audiences": makeToken(realm, { claims: { aud: [realm] } }),
        "of another tenant": makeToken(realm, { claims: { iss: "test-other" } }),
        "with the audit scope": makeToken(realm, { claims: { scope: "audit" } }),
        "valid for more than a day": makeToken(realm, { claims: { exp: now + 86401, nbf: now } }),
        "without an expiry": makeToken(realm, { claims: { exp: undefined } }),
        "without a subject": makeToken(realm, { claims: { sub: undefined } }),
        "signed by another key": makeToken(realm, { key: "guess" }),
        "of an unknown key version": makeToken(realm, { header: { kid: "test-acme:2" } }),
        "without a key id": makeToken(realm, { header: { kid: undefined } }),
        "claiming no algorithm": makeToken(realm, { header: { alg: "none" } }),
        "longer than 1000 bytes": makeToken(realm, { claims: { sub: "x".repeat(1000) } }),
        "of no known form": "not a token",
    };
    for (const [what, token] of Object.entries(bad)) {
        tokens[realm] = token;
        const error = await failure(() => newClient().recover(bytes("1"), info));
        check(error.reason === RecoverErrorReason.InvalidAuth, `a token ${what} is refused`);
    }
    tokens[realm] = makeToken(realm, { header: { kid: "test-other:1" }, claims: { iss: "test-other" } });
    const registered = await failure(() => newClient().register(bytes("1"), bytes("s"), info, 1));
    check(registered === RegisterError.InvalidAuth, "register with the token of an unknown tenant is refused");
    const deleted = await failure(() => newClient().delete());
    check(deleted === DeleteError.InvalidAuth, "and so is delete");

    tokens[realm] = makeToken(realm, { claims: { scope: undefined } });
    await newClient().delete();
    check(true, "a token without a scope is accepted");
    tokens[realm] = good;
}

async function rawRequests() {
    for (const version of [undefined, "0.2.9", "v0.3.0", "0.3", "00.3.0", " 0.3.0x"]) {
        const headers = version === undefined ? {} : { "X-Juicebox-Version": version };
        const reply = await post1(address, clientRequest(realm), headers);
        check(reply.status === 426, `SDK version ${version}: 426`);
        check(reply.body.toString() === "SDK upgrade required to version >=0.3", "with the sentence");
        check(reply.headers["access-control-allow-origin"] === "*", "that a browser may read");
    }
    for (const version of ["0.3.0", "0.3.0-alpha+x", "0.4.0", "1.0.0"]) {
        const reply = await post1(address, clientRequest(realm), { "X-Juicebox-Version": version });
        check(reply.status === 400, `SDK version ${version} passes (the session is missing: 400)`);
    }
    const missing = await post1(address, clientRequest(realm));
    check(missing.body.equals(cbor("MissingSession")), "a transport message without a session: MissingSession");
    check(/^\d+$/.test(missing.headers["x-exec-time"]), "x-exec-time is a number");

    const longest = clientRequest(realm);
    const padded = Buffer.concat([longest, Buffer.alloc(2048 - longest.length)]);
    check((await post1(address, padded)).status === 400, "a body of 2048 bytes is read");
    const over = await post1(address, Buffer.concat([padded, Buffer.alloc(1)]));
    check(over.status === 413 && over.body.equals(cbor("PayloadTooLarge")), "one of 2049 is not: 413");

    for (const body of [Buffer.alloc(0), Buffer.from("ff", "hex"), Buffer.from("bf", "hex"), Buffer.alloc(2048, 0x81)]) {
        const reply = await post1(address, body);
        check(reply.status === 400 && reply.body.equals(cbor("DecodingError")), `a body of ${body.length} bytes of nothing: 400`);
    }
    const forbidden = [
        { kind: "HandshakeOnly" },
        { encrypted: { Handshake: { handshake: { client_ephemeral_public: Buffer.alloc(31), payload_ciphertext: Buffer.alloc(16) } } } },
        { encrypted: { Handshake: { handshake: { client_ephemeral_public: Buffer.alloc(0), payload_ciphertext: Buffer.alloc(0) } } } },
        { encrypted: { Handshake: { handshake: { client_ephemeral_public: Buffer.alloc(32), payload_ciphertext: Buffer.alloc(64) } } } },
        { kind: "HandshakeOnly", encrypted: { Handshake: { handshake: { client_ephemeral_public: Buffer.alloc(32, 9), payload_ciphertext: Buffer.alloc(48) } } } },
    ];
    for (const fields of forbidden) {
        const reply = await post1(address, clientRequest(realm, fields));
        check(reply.status === 400 && reply.body.equals(cbor("SessionError")), "a forbidden handshake: SessionError, and the realm lives");
    }
    const unknown = await post1(address, clientRequest("ab".repeat(16)));
    check(unknown.status === 503 && unknown.body.equals(cbor("Unavailable")), "an unknown realm: Unavailable");

    const replies = await post2(address, Array.from({ length: 50 }, () => clientRequest(realm)));
    check(replies.every((reply) => reply.status === 400 && reply.body.equals(cbor("MissingSession"))),
        "50 streams on one HTTP/2 connection, each with its answer");
    const tooLong = await post2(address, [Buffer.alloc(4096)]);
    check(tooLong[0].status === 413, "HTTP/2: a body of 4096 bytes: 413");
}

await life();
await previousConfigurations();
await tokensThatMustNotPass();
await rawRequests();
await manyUsers();
console.log("conformance: all held");

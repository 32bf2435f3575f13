/*
 * wire.js - raw requests to a realm, as no well-behaved client would make them: tokens of every kind, bodies of every
 * size, HTTP/1.1 and HTTP/2.
 */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import http2 from "node:http2";
import https from "node:https";

const SECRETS_FILE = new URL("./secrets.json", import.meta.url);
const TENANT = "test-acme";

const base64url = (data) => Buffer.from(data).toString("base64url");

/* A token for `realm`, with `claims` and `header` members replaced (undefined removes one). */
export function makeToken(realm, { header = {}, claims = {}, key } = {}) {
    const secret = JSON.parse(readFileSync(SECRETS_FILE))[`tenant-${TENANT}`]["1"].data;
    const now = Math.floor(Date.now() / 1000);
    const head = { alg: "HS256", kid: `${TENANT}:1`, typ: "JWT", ...header };
    const body = { iat: now, exp: now + 600, nbf: now, iss: TENANT, sub: "conformance", aud: realm, scope: "user", ...claims };
    const signed = `${base64url(JSON.stringify(head))}.${base64url(JSON.stringify(body))}`;
    return `${signed}.${createHmac("sha256", key ?? secret).update(signed).digest("base64url")}`;
}

function head(major, length) {
    if (length < 24) return Buffer.from([(major << 5) | length]);
    if (length < 256) return Buffer.from([(major << 5) | 24, length]);
    if (length < 65536) return Buffer.from([(major << 5) | 25, length >> 8, length & 255]);
    const out = Buffer.alloc(5);
    out[0] = (major << 5) | 26;
    out.writeUInt32BE(length, 1);
    return out;
}

/* CBOR of text, Uint8Array, non-negative integers and plain objects: all that a request holds. */
export function cbor(value) {
    if (typeof value === "string") {
        const utf8 = Buffer.from(value);
        return Buffer.concat([head(3, utf8.length), utf8]);
    }
    if (typeof value === "number") return head(0, value);
    if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
    const entries = Object.entries(value);
    return Buffer.concat([head(5, entries.length), ...entries.flatMap(([key, item]) => [cbor(key), cbor(item)])]);
}

/* A ClientRequest; `fields` replaces members. */
export function clientRequest(realm, fields = {}) {
    return cbor({
        realm: Buffer.from(realm, "hex"),
        auth_token: makeToken(realm),
        session_id: 7,
        kind: "SecretsRequest",
        encrypted: { Transport: { ciphertext: Buffer.alloc(64) } },
        ...fields,
    });
}

/* POSTs `body` over HTTP/1.1. Resolves to { status, headers, body }. */
export function post1(address, body, headers = { "X-Juicebox-Version": "0.3.7" }, options = {}) {
    return new Promise((resolve, reject) => {
        const url = new URL("req", address);
        const request = https.request(url, { method: "POST", headers, ...options }, (response) => {
            const chunks = [];
            response.on("data", (chunk) => chunks.push(chunk));
            response.on("end", () =>
                resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }));
        });
        request.on("error", reject);
        request.end(body);
    });
}

/* POSTs each body over one HTTP/2 connection, all streams at once. */
export function post2(address, bodies, headers = { "x-juicebox-version": "0.3.7" }) {
    return new Promise((resolve, reject) => {
        const url = new URL("req", address);
        const session = http2.connect(url.origin);
        session.on("error", reject);
        const replies = bodies.map((body) => new Promise((done, fail) => {
            const stream = session.request({ ":method": "POST", ":path": url.pathname, ...headers });
            const chunks = [];
            let status;
            stream.on("response", (head) => { status = head[":status"]; });
            stream.on("data", (chunk) => chunks.push(chunk));
            stream.on("end", () => done({ status, body: Buffer.concat(chunks) }));
            stream.on("error", fail);
            stream.end(body);
        }));
        Promise.all(replies).then((all) => { session.close(); resolve(all); }, reject);
    });
}

#!/usr/bin/env node
/*
 * rate-limit.js - a tenant over its limit is told so, and only then.
 *
 * Run by `rind demo --minimal --rate-limit 10 --secrets-file ... --demo tests/conformance/rate-limit.js`.
 */
import { bytes, check, openRealm } from "./realm.js";
import { cbor, clientRequest, makeToken, post1 } from "./wire.js";

const { sdk, configuration, tokens } = await openRealm();
const realm = configuration.realms[0].id;
const info = bytes("rate");

const client = new sdk.Client(new sdk.Configuration(configuration), []);
await client.register(bytes("1"), bytes("s"), info, 5);
check(true, "one register is within the limit");

async function attempt(user) {
    tokens[realm] = makeToken(realm, { claims: { sub: user } });
    try {
        await new sdk.Client(new sdk.Configuration(configuration), []).delete();
        return "ok";
    } catch (error) {
        return error;
    }
}
const outcomes = await Promise.all(Array.from({ length: 60 }, (_, i) => attempt(`user${i}`)));
const limited = outcomes.filter((outcome) => outcome === sdk.DeleteError.RateLimitExceeded).length;
const passed = outcomes.filter((outcome) => outcome === "ok").length;
check(limited > 0, `some of 60 requests at once are refused (${limited})`);
check(passed > 0, `some are served (${passed})`);
check(limited + passed === 60, "and nothing else happens to any");

let status;
let body;
for (let i = 0; i < 200 && status !== 429; i++) {
    ({ status, body } = await post1(configuration.realms[0].address, clientRequest(realm)));
}
check(status === 429 && body.equals(cbor("RateLimitExceeded")), "the refusal is 429 with its name in the body");

#!/usr/bin/env node
/* shared.js - the public SDK leaves a secret for librind, or finds the one it left. Run by cross. */
import { bytes, check, openRealm, text } from "./realm.js";

const { sdk, configuration } = await openRealm();
const client = new sdk.Client(new sdk.Configuration(configuration), []);
const info = bytes("conformance");

if (process.env.RIND_TASK === "register") {
    await client.register(bytes("2468"), bytes("left by the other client"), info, 3);
    check(true, "the SDK leaves a secret");
} else {
    const secret = text(await client.recover(bytes("2468"), info));
    check(secret === "left by the other client", "the SDK finds the other client's secret");
}

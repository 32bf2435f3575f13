#!/usr/bin/env node
/*
 * persist.js - a secret outlives the realm's processes: the first run on a state directory registers, the second
 * finds it. Run twice by tests/integration/demo.sh.
 */
import { bytes, check, openRealm, text } from "./realm.js";

const { sdk, configuration } = await openRealm();
const client = new sdk.Client(new sdk.Configuration(configuration), []);
const info = bytes("persist");

try {
    check(text(await client.recover(bytes("77"), info)) === "still here", "the secret of the first run");
} catch (error) {
    if (error.reason !== sdk.RecoverErrorReason.NotRegistered || process.env.RIND_EXPECT === "recover") {
        throw error;
    }
    await client.register(bytes("77"), bytes("still here"), info, 3);
    check(true, "registered in the first run");
}

#!/usr/bin/env node
/* demo.js - the public SDK's demo sequence (spec 01 section 16), with the SDK as published. */
import { bytes, check, failure, openRealm, text } from "./realm.js";

const { sdk, configuration } = await openRealm();
const client = new sdk.Client(new sdk.Configuration(configuration), []);
const presso = bytes("presso");

async function expectInvalidPin(pin, remaining) {
    const error = await failure(() => client.recover(bytes(pin), presso));
    check(
        error.reason === sdk.RecoverErrorReason.InvalidPin && error.guesses_remaining === remaining,
        `recover with pin ${pin}: invalid pin, ${remaining} guesses remaining`,
    );
}

await client.register(bytes("1234"), bytes("teyla21"), presso, 2);
check(true, "register with pin 1234 and 2 guesses");
await expectInvalidPin("1212", 1);
check(text(await client.recover(bytes("1234"), presso)) === "teyla21", "recover with pin 1234: the secret");
await expectInvalidPin("1212", 1);
await expectInvalidPin("1212", 0);
await expectInvalidPin("1234", 0);
await client.register(bytes("4321"), bytes("presso42"), bytes("teyla"), 2);
check(true, "register again with pin 4321");
check(text(await client.recover(bytes("4321"), bytes("teyla"))) === "presso42", "recover with pin 4321: the new secret");
await client.delete();
check(true, "delete");
const gone = await failure(() => client.recover(bytes("4321"), bytes("teyla")));
check(gone.reason === sdk.RecoverErrorReason.NotRegistered, "recover after delete: not registered");

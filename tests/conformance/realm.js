/*
 * realm.js - what every conformance program needs: the arguments that `rind demo --demo PROGRAM` gives, the public
 * SDK set up with them, and trust in the realm's certificate.
 *
 * The SDK is loaded as published. Two things around it are Node's business: WebAssembly modules are behind a flag,
 * and extra certificate authorities are read from a PEM file at start. So the program starts itself once more with both.
 */
import { spawnSync } from "node:child_process";
import { webcrypto } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const STARTED_MARK = "RIND_CONFORMANCE_STARTED";

/* Starts this program again with the flag and the certificates, and ends with its status. */
function startAgain(derFiles) {
    const directory = mkdtempSync(join(tmpdir(), "rind-conformance-"));
    const pemFile = join(directory, "roots.pem");
    const pems = derFiles.map((file) => {
        const lines = readFileSync(file).toString("base64").match(/.{1,64}/g);
        return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
    });
    writeFileSync(pemFile, pems.join(""));
    const child = spawnSync(
        process.execPath,
        ["--no-warnings", "--experimental-wasm-modules", ...process.argv.slice(1)],
        { stdio: "inherit", env: { ...process.env, NODE_EXTRA_CA_CERTS: pemFile, [STARTED_MARK]: "1" } },
    );
    rmSync(directory, { recursive: true });
    process.exit(child.status ?? 1);
}

/* The arguments, and the SDK module. Defines the global token callback that the SDK calls. */
export async function openRealm() {
    const { values } = parseArgs({
        options: {
            configuration: { type: "string", short: "c" },
            "auth-tokens": { type: "string", short: "a" },
            "tls-certificate": { type: "string", multiple: true, default: [] },
            info: { type: "string" },
        },
    });
    if (!values.configuration || !values["auth-tokens"]) {
        console.error("usage: --configuration JSON --auth-tokens JSON [--tls-certificate FILE.der]...");
        process.exit(2);
    }
    if (!process.env[STARTED_MARK]) {
        startAgain(values["tls-certificate"]);
    }
    globalThis.crypto ??= webcrypto; // Debian's Node.js 18 has it under this name only
    const sdk = await import("juicebox-sdk");
    const tokens = JSON.parse(values["auth-tokens"]);
    globalThis.JuiceboxGetAuthToken = async (realmId) => tokens[Buffer.from(realmId).toString("hex")];
    return { sdk, configuration: JSON.parse(values.configuration), tokens, info: values.info };
}

export const bytes = (data) => (typeof data === "string" ? new TextEncoder().encode(data) : Uint8Array.from(data));
export const text = (data) => new TextDecoder().decode(data);

/* Runs `action`, which must fail; returns what it threw. */
export async function failure(action) {
    let result;
    try {
        result = await action();
    } catch (error) {
        return error;
    }
    throw new Error(`expected a failure, got ${result instanceof Uint8Array ? text(result) : result}`);
}

/* One line for each thing that held; throws with the sentence when one does not. */
export function check(condition, sentence) {
    if (!condition) {
        throw new Error(`does not hold: ${sentence}`);
    }
    console.log(`ok: ${sentence}`);
}

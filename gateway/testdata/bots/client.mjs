// One run of a Node client: client.mjs LIBRARY USER-AGENT KEY METHOD URL... An empty User-Agent is the library's own.
import https from "node:https";

const [library, agent, key, method, ...urls] = process.argv.slice(2);
const headers = { ...(agent && { "User-Agent": agent }), ...(key && { "X-API-Key": key }), ...(method === "POST" && { "Content-Type": "application/json" }) };
const body = method === "POST" ? JSON.stringify({ item: 7 }) : undefined;

const clients = {
  fetch: async (url) => (await fetch(url, { method, headers, body })).text(),
  https: (url) =>
    new Promise((resolve, reject) => {
      const request = https.request(url, { method, headers }, (response) => response.resume().on("end", resolve));
      request.on("error", reject).end(body);
    }),
};
for (const url of urls) await clients[library](url);

"use strict";
// Solves the challenges of the gateway that serves this file: sallyport.solve() promises a token, which browsers also keep as a cookie
// for further requests to this origin. The work is done by a worker, which is this file again.
(() => {
  // SHA-256 (FIPS 180-4) of one block after another.
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every(p => n % p)) primes.push(n);
  const fraction = x => ((x - Math.floor(x)) * 2 ** 32) | 0;
  const K = primes.map(p => fraction(p ** (1 / 3)));
  const W = new Int32Array(64);
  const turn = (x, n) => (x >>> n) | (x << (32 - n));

  function block(H, view, at) {
    for (let i = 0; i < 16; i++) W[i] = view.getInt32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const x = W[i - 15], y = W[i - 2];
      W[i] = W[i - 16] + W[i - 7] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = H;
    for (let i = 0; i < 64; i++) {
      const t = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
      const u = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t) | 0; d = c; c = b; b = a; a = (t + u) | 0;
    }
    return [H[0] + a | 0, H[1] + b | 0, H[2] + c | 0, H[3] + d | 0, H[4] + e | 0, H[5] + f | 0, H[6] + g | 0, H[7] + h | 0];
  }

  // The number for which the hash begins with that many zero bits, 32 at most. Blocks that do not change are hashed once.
  function work(challenge, difficulty) {
    const prefix = challenge + ".", same = prefix.length >> 6 << 6;
    let begun = primes.slice(0, 8).map(p => fraction(p ** 0.5)), bytes, view, size, length = 0;
    for (let n = 0; ; n++) {
      const number = String(n);
      if (number.length !== length) {
        length = number.length;
        size = (prefix.length + length + 9 + 63) >> 6 << 6;
        bytes = new Uint8Array(size);
        view = new DataView(bytes.buffer);
        for (let i = 0; i < prefix.length; i++) bytes[i] = prefix.charCodeAt(i);
        bytes[prefix.length + length] = 0x80;
        view.setUint32(size - 4, (prefix.length + length) * 8);
        if (n === 0) for (let at = 0; at < same; at += 64) begun = block(begun, view, at);
      }
      for (let i = 0; i < length; i++) bytes[prefix.length + i] = number.charCodeAt(i);
      let H = begun;
      for (let at = same; at < size; at += 64) H = block(H, view, at);
      if (Math.clz32(H[0]) >= difficulty) return number;
    }
  }

  if (typeof document === "undefined") {
    onmessage = e => postMessage(work(e.data.challenge, e.data.difficulty));
    return;
  }
  const script = document.currentScript.src, endpoint = script.replace(/\.js([?#].*)?$/, "");
  async function solve() {
    const given = await (await fetch(endpoint, { cache: "no-store" })).json();
    const answer = await new Promise((done, failed) => {
      const worker = new Worker(script);
      worker.onmessage = e => { worker.terminate(); done(e.data); };
      worker.onerror = e => { worker.terminate(); failed(new Error(e.message)); };
      worker.postMessage(given);
    });
    const got = await fetch(endpoint, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ challenge: given.challenge, answer }) });
    if (!got.ok) throw new Error("the answer was not taken: " + got.status);
    return (await got.json()).token;
  }
  self.sallyport = { solve };
})();

// Portkey listens on every interface; a benchmark listens on loopback alone.
const { Server } = require("node:net");

const listen = Server.prototype.listen;
Server.prototype.listen = function (first, ...rest) {
  if (typeof first === "number" || typeof first === "string") {
    return listen.call(this, { port: Number(first), host: "127.0.0.1" }, ...rest.filter((one) => typeof one === "function"));
  }
  return listen.call(this, { ...first, host: "127.0.0.1" }, ...rest);
};

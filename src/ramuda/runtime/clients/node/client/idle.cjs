// What is to happen when the event loop has nothing left to do.
'use strict';

let next = null;

exports.set = (action) => { next = action; };
exports.clear = () => { next = null; };

exports.listen = () => process.on('beforeExit', () => {
  const action = next;
  next = null;
  if (action) setImmediate(action);
});

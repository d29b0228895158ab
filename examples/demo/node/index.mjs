// Thanks for an order. Shows the Node.js runtime: an ES module, an async handler and its log.

export const handler = async (event, context) => {
  console.log(`order ${event.order} goes to ${event.customer}`);
  return {
    text: `Thank you, ${event.customer}, for order ${event.order}.`,
    node: process.version,
    remainingSeconds: Math.round(context.getRemainingTimeInMillis() / 1000),
  };
};

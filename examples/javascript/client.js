// A client of the provider, as an integration might have it: it retries where no answer came.
const axios = require('axios');
const { default: axiosRetry } = require('axios-retry');

const ALREADY_ACTIVATED = 4433;

class ProviderError extends Error {
  constructor({ code, text, hints = [] }) {
    super(`${code}: ${hints.join('; ') || text}`);
    this.code = code;
  }
}

/** Activates cards at `baseURL`. */
function client(baseURL) {
  // Errors of the provider are answers; only what never arrived is sent again.
  const http = axios.create({ baseURL, timeout: 2000, validateStatus: () => true });
  axiosRetry(http, { retries: 2, retryCondition: (error) => error.response === undefined });

  return {
    /** Gives the provider's id of the card, or null where only a lost answer had it. */
    async activate(card, customerId, batch) {
      const { data, config } = await http.post('/debit/v1/activateCardForCustomer', {
        customer_id: customerId,
        card_identifier: card,
        reference_batch: batch,
      });
      const retried = (config['axios-retry']?.retryCount ?? 0) > 0;
      if (data.error?.code === ALREADY_ACTIVATED && retried) return null; // the first attempt did it
      if (data.error?.code !== undefined) throw new ProviderError(data.error);
      return data.payload.card_id;
    },
  };
}

module.exports = { client, ProviderError };

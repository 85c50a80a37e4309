import { defined } from '#lib/defined.ts';
import {
  ALNUM,
  AT,
  BASE64,
  COLON,
  COMMA,
  DASH,
  DIGIT,
  DOLLAR,
  DOT,
  EQUALS,
  HEX,
  LOWER,
  LOWER_HEX,
  SIGN,
  SLUG,
  TILDE,
  UNDERSCORE,
  UPPER,
  WORD,
} from './characters.ts';

/**
 * A credential that its beginning gives away, as its issuer documents it. The length is that of
 * what follows the beginning; a longer run of the same characters is something else when `max` is
 * given, and is taken whole otherwise, since issuers lengthen their tokens.
 */
export interface Format {
  readonly kind: string;
  readonly prefix: string;
  /** Which characters follow; see characters.ts. */
  readonly rest: number;
  readonly min: number;
  readonly max?: number;
  /** How many different characters there must be at least, where the beginning says little. */
  readonly distinct: number;
  /** What follows the beginning, where more is known of it than characters and length. */
  readonly form?: RegExp;
}

/** Kind, beginnings, characters that follow, fewest of them, most of them, fewest different ones. */
type Row = readonly [
  kind: string,
  prefixes: string,
  rest: number,
  min: number,
  max?: number,
  distinct?: number,
];

const LOWER_ALNUM = LOWER | DIGIT;
const UPPER_ALNUM = UPPER | DIGIT;
const LOW_HEX = LOWER_HEX | DIGIT;
const DOTTED = SLUG | DOT;
const BASE64_TEXT = ALNUM | BASE64 | EQUALS;
const SIGNS = SLUG | BASE64 | EQUALS | SIGN | AT | DOLLAR | TILDE;
const ANY_BASE64 = SLUG | BASE64 | EQUALS;

const ROWS: readonly Row[] = [
  // Source code, packages, images.
  ['github-token', 'ghp_ gho_ ghu_ ghs_ ghr_', DOTTED, 36],
  ['github-token', 'github_pat_', WORD, 36],
  ['gitlab-token', 'glpat- gldt- glrt- glrtr- glft- glsoat- glffct- glwt-', DOTTED, 20],
  ['gitlab-token', 'glcbt-', DOTTED, 18],
  ['gitlab-token', 'glimt-', SLUG, 25, 25],
  ['gitlab-token', 'glptt-', SLUG, 40, 40],
  ['gitlab-token', 'gloas-', SLUG, 64, 64],
  ['gitlab-token', 'glagent-', SLUG, 50],
  ['gitlab-token', 'GR1348941', SLUG, 20, 50, 4],
  ['gitlab-session', '_gitlab_session=', ALNUM, 16],
  ['bitbucket-token', 'ATBB ATCTT3', ANY_BASE64, 24],
  ['atlassian-token', 'ATATT3', ANY_BASE64, 60],
  ['gitea-token', 'gta_', ALNUM, 32],
  ['npm-token', 'npm_', ALNUM, 36],
  ['pypi-token', 'pypi-AgE', SLUG, 32],
  ['rubygems-token', 'rubygems_', LOW_HEX, 32],
  ['nuget-token', 'oy2', LOWER_ALNUM, 43, 43],
  ['crates-token', 'cio', ALNUM, 32, 32, 12],
  ['clojars-token', 'CLOJARS_', ALNUM, 40],
  ['docker-token', 'dckr_pat_ dckr_oat_', SLUG, 20],
  ['swarm-token', 'SWMTKN-1- SWMKEY-1-', SLUG | BASE64, 20],
  ['portainer-token', 'ptr_', BASE64_TEXT, 40],
  ['artifactory-token', 'AKCp', ALNUM, 10, 80],
  ['artifactory-token', 'cmVmdGtu cmVmd', ALNUM, 56, 64, 12],
  ['sonar-token', 'squ_ sqp_ sqa_', LOW_HEX, 40],
  ['sourcegraph-token', 'sgp_', ALNUM | UNDERSCORE, 40, 64, 10],
  ['sourcegraph-token', 'slk_', LOW_HEX, 64],
  ['circleci-token', 'CCIPAT_ CCIPRJ_', SLUG, 40],
  ['buildkite-token', 'bkua_', LOW_HEX, 40],
  ['harness-token', 'pat. sat.', DOTTED, 60, 90, 16],
  ['pulumi-token', 'pul-', LOW_HEX, 40, 40],
  ['prefect-token', 'pnu_ pnb_', LOWER_ALNUM, 36],
  ['postman-token', 'PMAK- PMAT-', SLUG, 26],
  ['octopus-key', 'API-', UPPER_ALNUM, 25, 27, 12],
  ['infracost-token', 'ico-', ALNUM, 32, 32],
  ['scalingo-token', 'tk-us- tk-eu-', SLUG, 40],
  ['snyk-token', 'snyk_uat. snyk_sat.', DOTTED, 40],
  ['launchdarkly-key', 'sdk- mob-', LOW_HEX | DASH, 36, 36, 8],
  ['frameio-token', 'fio-u-', SLUG | EQUALS, 40],
  ['figma-token', 'figd_ figu_ figo_ figdr_ figur_ figor_', SLUG, 36],
  ['linear-token', 'lin_api_ lin_oauth_', ALNUM, 32],
  ['notion-token', 'ntn_', ALNUM, 40, 50],
  ['notion-token', 'secret_', ALNUM, 43, 43, 16],
  ['airtable-token', 'pat', ALNUM | DOT, 79, 79, 16],
  ['clickup-token', 'pk_', UPPER_ALNUM | UNDERSCORE, 36, 48, 12],
  ['contentful-token', 'CFPAT-', SLUG, 36],
  ['readme-token', 'rdme_', LOWER_ALNUM, 60],
  ['typeform-token', 'tfp_', DOTTED | EQUALS, 40],
  ['asana-token', '1/ 2/', DIGIT | LOWER_HEX | COLON | BASE64, 40, 90, 12],
  ['defined-token', 'dnkey-', SLUG | EQUALS, 60],
  ['authress-key', 'sc_ ext_ scauth_ authress_', DOTTED | BASE64, 50, 120, 20],
  ['settlemint-token', 'sm_aat_ sm_pat_ sm_sat_', ALNUM, 16],
  ['application-key', 'base64:', BASE64_TEXT, 43, 44, 12],
  ['adafruit-key', 'aio_', ALNUM, 28],
  ['hubspot-token', 'pat-na1- pat-eu1- pat-na2-', LOW_HEX | DASH, 36],
  ['wakatime-key', 'waka_', LOW_HEX | DASH, 36],
  ['render-key', 'rnd_', ALNUM, 28],
  ['posthog-key', 'phx_', SLUG, 40],
  ['neon-key', 'napi_', ALNUM, 60],
  ['trigger-key', 'tr_dev_ tr_prod_', ALNUM, 20],
  ['apify-token', 'apify_api_', ALNUM, 34],
  ['stackhawk-key', 'hawk.', DOTTED, 41, 41, 12],
  ['voiceflow-key', 'VF.DM. VF.WS.', DOTTED, 40],
  ['ory-token', 'ory_at_ ory_rt_ ory_st_', DOTTED, 40],
  ['ory-key', 'ory_apikey_', ALNUM, 32],
  ['zuplo-key', 'zpka_', ALNUM | UNDERSCORE, 32],
  ['salesforce-token', '00D', ALNUM | DOT | UNDERSCORE | SIGN, 80, 130, 20],
  ['django-secret', 'django-insecure-', SIGNS, 40, 60, 12],
  ['intra42-secret', 's-s4t2ud- s-s4t2af-', LOW_HEX, 60],

  // Clouds and hosts.
  ['aws-key', 'AKIA ASIA ABIA ACCA AGPA AIDA AROA AIPA ANPA ANVA', UPPER_ALNUM, 16, 16],
  ['aws-key', 'ABSK', BASE64_TEXT, 100, 270, 4],
  ['aws-key', 'bedrock-api-key-', ANY_BASE64, 24],
  ['aws-session-token', 'IQoJb3JpZ2lu FwoGZXIvYXdz FQoGZXIvYXdz', BASE64_TEXT, 100],
  ['amazon-secret', 'amzn1.oa2-cs.v1.', LOW_HEX, 64],
  ['atlas-secret', 'mdb_sa_sk_', SLUG, 40],
  ['runpod-key', 'rpa_', ALNUM, 40],
  ['registry-login', 'eyJhdXRocyI6', BASE64_TEXT, 24],
  ['aws-mws-token', 'amzn.mws.', LOW_HEX | DASH, 36, 36],
  ['google-key', 'AIza', SLUG, 35, 35, 12],
  ['google-secret', 'GOCSPX-', SLUG, 24],
  ['google-token', 'ya29.', DOTTED, 20],
  ['google-token', '1//0', SLUG, 40],
  ['alibaba-key', 'LTAI', ALNUM, 17, 22, 8],
  ['tencent-key', 'AKID', ALNUM, 32, 32, 12],
  ['yandex-key', 'AQVN', SLUG, 35, 38, 12],
  ['yandex-token', 'y0_ t1.', DOTTED | EQUALS, 58, 400, 16],
  ['digitalocean-token', 'dop_v1_ doo_v1_ dor_v1_', LOW_HEX, 64],
  ['heroku-token', 'HRKU-', SLUG, 40],
  ['fly-token', 'fo1_ fm1r_ fm1a_ fm2_', ANY_BASE64, 43],
  ['vercel-token', 'vcp_ vci_ vca_ vcr_ vck_', ALNUM, 24],
  ['netlify-token', 'nfp_ nfc_ nfo_ nfu_ nfb_', ALNUM, 36],
  ['cloudflare-key', 'v1.0-', LOW_HEX | DASH, 120],
  ['cloudflare-token', 'cfat_ cfut_ cfk_', ALNUM, 40],
  ['databricks-token', 'dapi', HEX | DASH, 32, 34],
  ['planetscale-token', 'pscale_tkn_ pscale_pw_ pscale_oauth_ pscale_app_', DOTTED | EQUALS, 32],
  ['supabase-key', 'sbp_ sb_secret_', SLUG, 30],
  ['doppler-token', 'dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.', ALNUM | DOT | DASH, 38],
  ['vault-token', 'hvs. hvb. hvr.', SLUG, 24],
  ['tailscale-key', 'tskey-', SLUG, 20, 120],
  ['openshift-token', 'sha256~', SLUG, 40],
  ['ngrok-token', 'ngrok_ 2ngrok_', ALNUM, 40],
  ['grafana-token', 'glc_', BASE64_TEXT, 30, 400, 4],
  ['grafana-token', 'glsa_', ALNUM | UNDERSCORE, 40],
  ['newrelic-key', 'NRAK- NRJS- NRII- NRIQ- NRAA- NRRA-', ALNUM | DASH, 18],
  ['dynatrace-token', 'dt0c01. dt0s01. dt0s02. dt0s16.', ALNUM | DOT, 80],
  ['sentry-token', 'sntrys_ sntrya_ sntryi_', ANY_BASE64, 60],
  ['sentry-token', 'sntryu_', LOW_HEX, 64],
  ['honeycomb-key', 'hcaik_ hcbik_ hcalk_ hcamk_ hcxik_', LOWER_ALNUM, 50],

  // Models.
  ['anthropic-key', 'sk-ant-', SLUG, 24],
  ['openai-key', 'sk-proj- sk-svcacct- sk-admin- sk-or-v1- sk-lf-', SLUG, 20],
  ['openai-key', 'sk-', ALNUM, 32],
  ['groq-key', 'gsk_', ALNUM, 48],
  ['xai-key', 'xai-', ALNUM, 60],
  ['cerebras-key', 'csk-', LOWER_ALNUM, 32],
  ['perplexity-key', 'pplx-', ALNUM, 40],
  ['replicate-token', 'r8_', ALNUM, 36, 40],
  ['huggingface-token', 'hf_ api_org_', ALNUM, 33, 40, 10],
  ['nvidia-key', 'nvapi-', SLUG, 50],
  ['langsmith-key', 'lsv2_pt_ lsv2_sk_', LOW_HEX | UNDERSCORE, 36],
  ['pinecone-key', 'pcsk_', WORD, 50],
  ['tavily-key', 'tvly-', SLUG, 24],
  ['jina-key', 'jina_', SLUG, 50],
  ['together-key', 'tgp_v1_', SLUG, 36],
  ['elevenlabs-key', 'sk_', LOW_HEX, 48, 48],
  ['firecrawl-key', 'fc-', LOW_HEX, 32, 32],
  ['fireworks-key', 'fw_', ALNUM, 22, 24, 12],
  ['e2b-key', 'e2b_', LOW_HEX, 40],

  // Money and shops.
  ['stripe-key', 'sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_', ALNUM, 16],
  ['webhook-secret', 'whsec_', BASE64_TEXT, 24],
  ['square-token', 'sq0atp- sq0csp- sq0idp-', SLUG, 22],
  ['square-token', 'EAAA', SLUG, 56, 64, 16],
  ['facebook-token', 'EAAC EAAM EAAG EAAB EAAD EAAE', ALNUM, 100],
  ['braintree-token', 'access_token$production$ access_token$sandbox$', LOWER_ALNUM, 16],
  ['razorpay-key', 'rzp_live_ rzp_test_', ALNUM, 14],
  ['plaid-token', 'access-sandbox- access-production- access-development-', LOW_HEX | DASH, 36],
  ['flutterwave-key', 'FLWSECK_TEST- FLWPUBK_TEST- FLWSECK- FLWPUBK-', ALNUM | DASH, 12],
  ['shopify-token', 'shpat_ shpca_ shppa_ shpss_ shptka_', ALNUM, 32],
  ['shippo-token', 'shippo_live_ shippo_test_', LOW_HEX, 40],
  ['easypost-key', 'EZAK EZTK', ALNUM, 54, 54],
  ['duffel-token', 'duffel_live_ duffel_test_', SLUG | EQUALS, 40],
  ['lob-key', 'live_pub_ test_pub_', LOW_HEX, 31],

  // Messages.
  ['slack-token', 'xoxa- xoxb- xoxe- xoxp- xoxr- xoxs- xoxc- xoxd-', SLUG | EQUALS, 12, 400, 8],
  ['slack-token', 'xoxo-', SLUG, 20],
  ['slack-token', 'xoxe.xoxb- xoxe.xoxp-', SLUG, 40],
  ['slack-token', 'xapp- xwfp-', SLUG, 24],
  ['slack-webhook', 'hooks.slack.com/services/', SLUG | BASE64, 18],
  ['slack-webhook', 'hooks.slack.com/workflows/ hooks.slack.com/triggers/', SLUG | BASE64, 18],
  ['discord-webhook', 'discord.com/api/webhooks/ discordapp.com/api/webhooks/', SLUG | BASE64, 40],
  ['teams-webhook', '.webhook.office.com/webhookb2/', SLUG | BASE64 | DOT | AT, 40],
  ['twitch-token', 'oauth:', LOWER_ALNUM, 30, 30, 10],
  ['twilio-key', 'SK AC', LOW_HEX, 32, 32, 6],
  ['sendgrid-key', 'SG.', SLUG | DOT, 50],
  ['mailgun-key', 'key- pubkey-', LOW_HEX, 32, 32],
  ['brevo-key', 'xkeysib- xsmtpsib-', ALNUM | DASH, 60],
  ['resend-key', 're_', ALNUM | UNDERSCORE, 30, 36, 14],
  ['mailersend-key', 'mlsn.', LOW_HEX, 60],
  ['beamer-token', 'b_', SLUG | EQUALS, 44, 44, 16],
  ['mapbox-token', 'pk.eyJ sk.eyJ tk.eyJ', DOTTED, 40],
  ['twitter-token', 'AAAAAAAAAAAAAAAAAAAAA', ALNUM | BASE64, 60],
  ['dropbox-token', 'sl.', SLUG, 130],
  ['dropbox-token', 'sl.u.', SLUG, 130],
  ['adobe-secret', 'p8e-', LOW_HEX | DASH, 32],
  ['onfido-token', 'api_live. api_sandbox. api_live_us. api_live_ca.', DOTTED, 36],
  ['paddle-key', 'pdl_live_apikey_ pdl_sdbx_apikey_', ALNUM | UNDERSCORE, 40],
  ['pagerduty-key', 'pdus+_', ALNUM | UNDERSCORE | DASH, 20],
  ['rancher-token', 'kubeconfig-user- kubeconfig-u-', LOWER_ALNUM | DOT | COLON, 54],
  ['linkedin-secret', 'WPL_AP1.', DOTTED | EQUALS, 16],

  // Vaults and keys.
  ['1password-token', 'ops_eyJ', ANY_BASE64, 100],
  ['1password-key', 'A3-', UPPER_ALNUM | DASH, 34, 36, 12],
  ['age-key', 'AGE-SECRET-KEY-1', UPPER_ALNUM, 58, 58, 1],
  ['api-key', 'eyJrIjoi', ANY_BASE64, 60],
  ['password-hash', '$2a$ $2b$ $2y$', ALNUM | BASE64 | DOT | DOLLAR, 55, 60],
  [
    'password-hash',
    '$argon2i$ $argon2d$ $argon2id$',
    ALNUM | BASE64 | DOT | EQUALS | DOLLAR | COMMA,
    40,
  ],
  ['password-hash', '$1$ $5$ $6$ $y$ $apr1$', ALNUM | BASE64 | DOT | EQUALS | DOLLAR, 20],
  ['password-hash', 'SCRAM-SHA-256$', ALNUM | BASE64 | COLON | EQUALS | DOLLAR, 60],
  ['password-hash', '{SSHA} {SHA} {SSHA256} {SSHA512}', BASE64_TEXT, 24],
];

const FORMS: Readonly<Record<string, RegExp>> = {
  'SG.': /^[\w-]{16,}\.[\w-]{32,}$/,
  dapi: /^[\da-f]{32}(?:-\d{1,2})?$/i,
  sgp_: /^(?:(?:[\da-f]{16}|local)_)?[\da-f]{40}$/i,
  // Those of a known kind are bytes that are no multiple of three, so that they end alike.
  'sk-ant-': /^(?:(?:api|admin)\d\d-[\w-]{80,}AA|(?!(?:api|admin)\d\d-)[\w-]{24,})$/,
};

/** Every format, one for each beginning. */
export const FORMATS: readonly Format[] = ROWS.flatMap(
  ([kind, prefixes, rest, min, max, distinct = 1]) =>
    prefixes.split(' ').map((prefix) => ({
      kind,
      prefix,
      rest,
      min,
      distinct,
      ...defined({ max, form: FORMS[prefix] }),
    })),
);

/**
 * Services whose credentials are plain letters and digits: only the name beside them tells.
 * Ordinary words among them do no harm, since the value must be random as well.
 */
export const VENDORS: readonly string[] = (
  'abstractapi abuseipdb accuweather adafruit adobe adzuna airbrake airtable airvisual aiven ' +
  'alchemyapi algolia alibaba alienvault aliyun alphavantage amplitude anthropic anypoint ' +
  'apideck apiflash apify apilayer appcues appdynamics appoptics artifactory asana assemblyai ' +
  'atlassian auth0 autodesk aviationstack ayrshare azure backblaze bannerbear baremetrics ' +
  'beamer binance bintray bitbucket bitcoinaverage bitfinex bitly bitmex bittrex blazemeter ' +
  'blockcypher blockfrost braintree brandfetch browserstack budibase bugsnag buttercms ' +
  'bybit calendly capsulecrm censys cerebras chartmogul checkly checkr circleci clarifai ' +
  'clearbit clickatell clickhouse clicksend clickup clockify cloudant cloudconvert cloudflare ' +
  'cloudinary cloudmersive cloudsmith codacy codeclimate codecov codemagic cohere coinapi ' +
  'coinbase coinlayer coinmarketcap confluence confluent contentful contentstack convertkit ' +
  'copyscape coralogix countrylayer coveralls crowdin cryptocompare currencylayer customerio ' +
  'databricks datadog deepai deepgram deepl deepseek detectify detectlanguage devcycle diffbot ' +
  'digitalocean discogs discord disqus dnkey docparser docusign doppler dotdigital droneci ' +
  'dropbox duffel dwolla dynatrace easypost edamam elastic elasticemail elevenlabs etherscan ' +
  'ethplorer etsy eventbrite everhour exchangerate facebook facepp fastforex fastly fibery ' +
  'figma filestack finicity finnhub firebase firecrawl fireworksai fixerio flickr flutterwave ' +
  'foursquare frameio freshbooks freshdesk freshservice fullstory geckoboard gemini geoapify ' +
  'geocodio getresponse github gitlab gitter glassnode gocardless gosquared grafana ' +
  'graphhopper groq guardianapi gumroad hashicorp hellosign helpscout hereapi heroku ' +
  'holidayapi honeybadger honeycomb hubspot huggingface hunterio iexcloud imagekit imgur ' +
  'influx infura instagram instamojo intercom intrinio ipapi ipdata ipgeolocation ipinfo ' +
  'ipquality ipstack jfrog jira jotform jumpcloud kickbox klaviyo knapsackpro kraken kucoin ' +
  'lambdalabs langfuse langsmith launchdarkly lemonsqueezy linenotify linkedin liveagent ' +
  'locationiq logdna loggly loginradius logzio lokalise looker mailboxlayer mailchimp ' +
  'mailerlite mailersend mailgun mailjet mailsac mandrill mapbox mapquest marketstack ' +
  'mattermost maxmind mediastack meraki message-bird message_bird messagebird ' +
  'microsoftteams mistral mistralai mixpanel mockaroo mollie mongodbatlas moosend ' +
  'moralis mux nasdaq netlify new-relic new_relic newrelic nexmo ngrok notion numverify ' +
  'nutritionix nylas nytimes oanda okta omnisend onelogin onesignal openai opencage openrouter ' +
  'opensky openuv openvpn openweather openweathermap opsgenie optimizely packagecloud ' +
  'pagerduty pandadoc papertrail parsehub pastebin paypal paystack pdflayer pdfshift ' +
  'perplexity pinata pinecone pingdom pipedream pipedrive pivotaltracker pixabay plaid ' +
  'planetscale plivo poloniex polygonio portkey posthog postman postmark privateai pubnub ' +
  'pushbullet pusher pushover qase qualys quandl quicknode rapidapi rawg raygun razorpay ' +
  'rebrandly recharge ringcentral rollbar route4me rubygems runpod ' +
  'salesforce saucelabs scaleway scraperapi scrapingbee screenshotapi securitytrails segment ' +
  'sendbird sendgrid sendinblue sentry serpapi shippable shippo shodan shopify shotstack ' +
  'shutterstock sinch slack smartsheet snyk softlayer sonar sonarcloud sonarqube sourcegraph ' +
  'sparkpost splunk spoonacular sportradar spotify square squarespace sslmate statuscake ' +
  'statuspage stormglass storyblok strava stripe stytch sumo sumologic supabase surveymonkey ' +
  'tailscale tatum taxjar teamcity telegram telnyx terraform testingbot textmagic ' +
  'thousandeyes ticketmaster tiingo tinypng todoist tomtom travisci trello trustpilot tumblr ' +
  'twelvedata twelvelabs twilio twitch twitter typeform unsplash uploadcare upstash ' +
  'uptimerobot urlscan userstack vagrantcloud vastai vercel virustotal visualcrossing vonage ' +
  'voyageai vultr wakatime weatherapi weatherbit weatherstack webex webflow wepay wistia wrike ' +
  'xendit yandex yelp zapier zendesk zenrows zenserp zerobounce zerotier zoho ' +
  'zulip'
).split(' ');

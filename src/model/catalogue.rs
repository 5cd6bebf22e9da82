//! The one table of services: our key for each, its name, and how each provider spells it.
//!
//! OneAll has no endpoint that describes its services; the keys are those its own WordPress plugin lists. A slug that is
//! not here is its own key, so a service that a provider adds tomorrow works today, under the name the provider uses. Of
//! one that is here the name is the table's, whatever a provider says: one node has one name, and the two providers give a
//! service two. Where only one of them knows the service, the name is that provider's.

use super::Provider;

/// How one service is called.
#[derive(Debug, PartialEq, Eq)]
pub struct KnownService {
    /// Our key.
    pub key: &'static str,
    /// The name to show.
    pub label: &'static str,
    /// How WordPress.com spells it, the current spelling first; empty where it does not know the service.
    pub wordpress: &'static [&'static str],
    /// How OneAll spells it; empty where it does not know the service.
    pub oneall: &'static [&'static str],
}

const fn both(key: &'static str, label: &'static str, spelling: &'static [&'static str]) -> KnownService {
    KnownService { key, label, wordpress: spelling, oneall: spelling }
}

const fn oneall(key: &'static str, label: &'static str, spelling: &'static [&'static str]) -> KnownService {
    KnownService { key, label, wordpress: &[], oneall: spelling }
}

const fn wordpress(key: &'static str, label: &'static str, spelling: &'static [&'static str]) -> KnownService {
    KnownService { key, label, wordpress: spelling, oneall: &[] }
}

/// Every service whose name is known beforehand, by key.
pub const KNOWN_SERVICES: &[KnownService] = &[
    oneall("amazon", "Amazon", &["amazon"]),
    oneall("apple", "Apple", &["apple"]),
    oneall("battlenet", "Battle.net", &["battlenet"]),
    oneall("blogger", "Blogger", &["blogger"]),
    wordpress("bluesky", "Bluesky", &["bluesky"]),
    oneall("discord", "Discord", &["discord"]),
    oneall("disqus", "Disqus", &["disqus"]),
    oneall("draugiem", "Draugiem", &["draugiem"]),
    oneall("dribbble", "Dribbble", &["dribbble"]),
    oneall("epicgames", "Epic Games", &["epicgames"]),
    both("facebook", "Facebook", &["facebook"]),
    oneall("foursquare", "Foursquare", &["foursquare"]),
    oneall("github", "GitHub", &["github"]),
    KnownService { key: "google", label: "Google", wordpress: &["google_plus"], oneall: &["google"] },
    wordpress("google_my_business", "Google My Business", &["google_my_business"]),
    wordpress("google_site_verification", "Google Site Verification", &["google_site_verification"]),
    KnownService {
        key: "instagram",
        label: "Instagram",
        wordpress: &["instagram-business", "instagram"],
        oneall: &["instagram"],
    },
    oneall("line", "LINE", &["line"]),
    both("linkedin", "LinkedIn", &["linkedin"]),
    oneall("livejournal", "LiveJournal", &["livejournal"]),
    wordpress("mailchimp", "Mailchimp", &["mailchimp"]),
    oneall("mailru", "Mail.ru", &["mailru"]),
    wordpress("mastodon", "Mastodon", &["mastodon"]),
    oneall("meetup", "Meetup", &["meetup"]),
    oneall("microsoft", "Microsoft", &["windowslive"]),
    oneall("mixer", "Mixer", &["mixer"]),
    oneall("odnoklassniki", "Odnoklassniki", &["odnoklassniki"]),
    oneall("openid", "OpenID", &["openid"]),
    oneall("patreon", "Patreon", &["patreon"]),
    oneall("paypal", "PayPal", &["paypal"]),
    oneall("pinterest", "Pinterest", &["pinterest"]),
    oneall("pixelpin", "PixelPin", &["pixelpin"]),
    oneall("reddit", "Reddit", &["reddit"]),
    oneall("skyrock", "Skyrock", &["skyrock"]),
    oneall("soundcloud", "SoundCloud", &["soundcloud"]),
    oneall("spotify", "Spotify", &["spotify"]),
    oneall("stackexchange", "Stack Exchange", &["stackexchange"]),
    oneall("steam", "Steam", &["steam"]),
    oneall("strava", "Strava", &["strava"]),
    both("tumblr", "Tumblr", &["tumblr"]),
    oneall("twitch", "Twitch", &["twitch"]),
    both("twitter", "Twitter", &["twitter"]),
    oneall("vimeo", "Vimeo", &["vimeo"]),
    oneall("vk", "VK", &["vkontakte"]),
    oneall("weibo", "Weibo", &["weibo"]),
    oneall("wordpress", "WordPress.com", &["wordpress"]),
    oneall("xing", "XING", &["xing"]),
    oneall("yahoo", "Yahoo", &["yahoo"]),
    oneall("yandex", "Yandex", &["yandex"]),
    oneall("youtube", "YouTube", &["youtube"]),
];

/// The hosts at which services keep their accounts' pages, each with our key of the service.
const HOSTS: &[(&str, &str)] = &[
    ("battle.net", "battlenet"),
    ("blogger.com", "blogger"),
    ("bsky.app", "bluesky"),
    ("discord.com", "discord"),
    ("disqus.com", "disqus"),
    ("draugiem.lv", "draugiem"),
    ("dribbble.com", "dribbble"),
    ("facebook.com", "facebook"),
    ("fb.com", "facebook"),
    ("foursquare.com", "foursquare"),
    ("github.com", "github"),
    ("google.com", "google"),
    ("instagram.com", "instagram"),
    ("linkedin.com", "linkedin"),
    ("live.com", "microsoft"),
    ("livejournal.com", "livejournal"),
    ("mail.ru", "mailru"),
    ("meetup.com", "meetup"),
    ("odnoklassniki.ru", "odnoklassniki"),
    ("ok.ru", "odnoklassniki"),
    ("patreon.com", "patreon"),
    ("paypal.com", "paypal"),
    ("pinterest.com", "pinterest"),
    ("reddit.com", "reddit"),
    ("skyrock.com", "skyrock"),
    ("soundcloud.com", "soundcloud"),
    ("spotify.com", "spotify"),
    ("stackexchange.com", "stackexchange"),
    ("steamcommunity.com", "steam"),
    ("strava.com", "strava"),
    ("tumblr.com", "tumblr"),
    ("twitch.tv", "twitch"),
    ("twitter.com", "twitter"),
    ("vimeo.com", "vimeo"),
    ("vk.com", "vk"),
    ("vkontakte.ru", "vk"),
    ("weibo.com", "weibo"),
    ("wordpress.com", "wordpress"),
    ("x.com", "twitter"),
    ("xing.com", "xing"),
    ("yahoo.com", "yahoo"),
    ("yandex.ru", "yandex"),
    ("youtube.com", "youtube"),
];

/// Whether a host, in small letters, is one at which the service keeps its accounts' pages, or is below one.
pub fn is_host_of(key: &str, host: &str) -> bool {
    let below = |known: &str| host.strip_suffix(known).is_some_and(|front| front.is_empty() || front.ends_with('.'));
    HOSTS.iter().any(|(known, service)| *service == key && below(known))
}

/// Whether a host is itself one at which the service keeps its accounts' pages.
pub fn is_main_host_of(key: &str, host: &str) -> bool {
    HOSTS.contains(&(host, key))
}

/// Whether OneAll's word for the place of an account, such as `twitter.com`, is about the service with this key.
pub fn is_domain_of(key: &str, domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    let spelled = |label: &str| label == key || known_service(key).is_some_and(|name| name.oneall.contains(&label));
    is_host_of(key, &domain) || domain.split('.').any(spelled)
}

/// Our key for a service that a client names in any spelling: ours or a provider's.
pub fn key_for_any_spelling(spelling: &str) -> String {
    let known = |key: &String| known_service(key).is_some();
    let keys = Provider::ALL.map(|provider| key_for(provider, spelling));
    keys.into_iter().find(known).unwrap_or_else(|| spelling.to_owned())
}

/// Our key for what a provider calls `slug`.
pub fn key_for(provider: Provider, slug: &str) -> String {
    let spelled = |name: &&KnownService| name.spelling(provider).contains(&slug);
    KNOWN_SERVICES.iter().find(spelled).map_or_else(|| slug.to_owned(), |name| name.key.to_owned())
}

/// The service with this key, if it is in the table.
pub fn known_service(key: &str) -> Option<&'static KnownService> {
    KNOWN_SERVICES.iter().find(|name| name.key == key)
}

/// WordPress.com's slug for the service with this key.
pub fn wordpress_slug(key: &str) -> &str {
    known_service(key).and_then(|name| name.wordpress.first().copied()).unwrap_or(key)
}

impl KnownService {
    fn spelling(&self, provider: Provider) -> &'static [&'static str] {
        match provider {
            Provider::WordPress => self.wordpress,
            Provider::OneAll => self.oneall,
        }
    }

    /// The providers that know the service.
    pub fn providers(&self) -> Vec<Provider> {
        Provider::ALL.into_iter().filter(|p| !self.spelling(*p).is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_one_service_share_a_key() {
        assert_eq!(key_for(Provider::WordPress, "google_plus"), "google");
        assert_eq!(key_for(Provider::OneAll, "google"), "google");
        assert_eq!(key_for(Provider::OneAll, "windowslive"), "microsoft");
        assert_eq!(key_for(Provider::OneAll, "brand_new"), "brand_new");
    }

    /// Every slug of Keyring's services that its documentation, clients or tests name.
    const KEYRING: &str = "facebook twitter instagram instagram-business tumblr linkedin mastodon bluesky google_plus \
         google_site_verification google_my_business mailchimp";

    /// Every provider key that OneAll's own WordPress plugin lists.
    const ONEALL: &str = "amazon apple battlenet blogger discord disqus draugiem dribbble epicgames facebook foursquare \
         github google instagram line linkedin livejournal mailru meetup mixer odnoklassniki openid patreon paypal \
         pinterest pixelpin reddit skyrock soundcloud spotify stackexchange steam strava tumblr twitch twitter vimeo \
         vkontakte weibo windowslive wordpress xing yahoo yandex youtube";

    #[test]
    fn every_slug_that_a_provider_is_known_to_use_is_in_the_table() {
        for (provider, slugs) in [(Provider::WordPress, KEYRING), (Provider::OneAll, ONEALL)] {
            for slug in slugs.split_whitespace() {
                let name = known_service(&key_for(provider, slug));
                assert!(name.is_some_and(|name| name.spelling(provider).contains(&slug)), "{slug}");
                assert_eq!(name.map(|name| name.key.to_owned()), Some(key_for_any_spelling(slug)), "{slug}");
            }
            let listed = KNOWN_SERVICES.iter().flat_map(|name| name.spelling(provider)).count();
            assert_eq!(listed, slugs.split_whitespace().count());
        }
        assert_eq!(key_for_any_spelling("microsoft"), "microsoft");
        assert_eq!(key_for_any_spelling("brand_new"), "brand_new");
    }

    #[test]
    fn a_host_is_one_services_and_a_likeness_is_nobodys() {
        assert!(HOSTS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(HOSTS.iter().all(|(_, key)| known_service(key).is_some()));
        assert!(is_host_of("twitter", "x.com") && is_host_of("google", "plus.google.com"));
        assert!(!is_host_of("twitter", "nottwitter.com") && !is_host_of("twitter", "twitter.com.example"));
        assert!(!is_main_host_of("google", "plus.google.com") && is_main_host_of("twitter", "x.com"));
        assert!(is_domain_of("microsoft", "windowslive.com") && is_domain_of("google", "Google.com"));
        assert!(!is_domain_of("google", "twitter.com") && !is_domain_of("google", ""));
    }

    #[test]
    fn the_table_is_sorted_and_no_spelling_stands_for_two_services() {
        assert!(KNOWN_SERVICES.is_sorted_by(|a, b| a.key < b.key));
        for provider in Provider::ALL {
            let mut spellings: Vec<_> = KNOWN_SERVICES.iter().flat_map(|name| name.spelling(provider)).collect();
            let all = spellings.len();
            spellings.sort_unstable();
            spellings.dedup();
            assert_eq!(spellings.len(), all);
        }
    }
}

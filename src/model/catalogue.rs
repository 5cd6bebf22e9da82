//! The known services: key, name, and the slugs of each provider.
//!
//! OneAll has no endpoint for its services; its slugs are those of its WordPress plugin. A slug that is not in the table is
//! its own key, so new services work without a change. For a known service the table's name is used, because the two
//! providers may have different names for it.

use super::provider::Provider;

/// The names of a known service.
#[derive(Debug, PartialEq, Eq)]
pub struct KnownService {
    /// The key in the API.
    pub key: &'static str,
    /// The display name.
    pub label: &'static str,
    /// The slugs at WordPress.com, the current one first. Empty when WordPress.com does not support the service.
    pub wordpress: &'static [&'static str],
    /// The slugs at OneAll. Empty when OneAll does not support the service.
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

/// The known services, ordered by key.
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

/// The hosts of profile pages, with the key of their service.
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

/// Whether a lower-case host is a profile host of the service, or a subdomain of one.
pub fn is_host_of(key: &str, host: &str) -> bool {
    let below = |known: &str| host.strip_suffix(known).is_some_and(|front| front.is_empty() || front.ends_with('.'));
    HOSTS.iter().any(|(known, service)| *service == key && below(known))
}

/// Whether a host is a profile host of the service. Subdomains do not count.
pub fn is_main_host_of(key: &str, host: &str) -> bool {
    HOSTS.contains(&(host, key))
}

/// Whether OneAll's domain of an account, such as `twitter.com`, belongs to the service with this key.
pub fn is_domain_of(key: &str, domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    let has_slug = |label: &str| label == key || known_service(key).is_some_and(|name| name.oneall.contains(&label));
    is_host_of(key, &domain) || domain.split('.').any(has_slug)
}

/// The key of a service that a client names by its key or by a provider's slug.
pub fn key_for_any_slug(slug: &str) -> String {
    let known = |key: &String| known_service(key).is_some();
    let keys = Provider::ALL.map(|provider| key_for(provider, slug));
    keys.into_iter().find(known).unwrap_or_else(|| slug.to_owned())
}

/// The key of the service that a provider calls `slug`.
pub fn key_for(provider: Provider, slug: &str) -> String {
    let has_slug = |name: &&KnownService| name.slugs(provider).contains(&slug);
    KNOWN_SERVICES.iter().find(has_slug).map_or_else(|| slug.to_owned(), |name| name.key.to_owned())
}

/// The known service with this key.
pub fn known_service(key: &str) -> Option<&'static KnownService> {
    KNOWN_SERVICES.iter().find(|name| name.key == key)
}

/// WordPress.com's slug of the service with this key.
pub fn wordpress_slug(key: &str) -> &str {
    known_service(key).and_then(|name| name.wordpress.first().copied()).unwrap_or(key)
}

impl KnownService {
    fn slugs(&self, provider: Provider) -> &'static [&'static str] {
        match provider {
            Provider::WordPress => self.wordpress,
            Provider::OneAll => self.oneall,
        }
    }

    /// The providers that support the service.
    pub fn providers(&self) -> Vec<Provider> {
        Provider::ALL.into_iter().filter(|p| !self.slugs(*p).is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_of_both_providers_share_a_key() {
        assert_eq!(key_for(Provider::WordPress, "google_plus"), "google");
        assert_eq!(key_for(Provider::OneAll, "google"), "google");
        assert_eq!(key_for(Provider::OneAll, "windowslive"), "microsoft");
        assert_eq!(key_for(Provider::OneAll, "brand_new"), "brand_new");
    }

    /// The slugs of Keyring's services in its documentation, clients and tests.
    const KEYRING: &str = "facebook twitter instagram instagram-business tumblr linkedin mastodon bluesky google_plus \
         google_site_verification google_my_business mailchimp";

    /// The slugs in OneAll's WordPress plugin.
    const ONEALL: &str = "amazon apple battlenet blogger discord disqus draugiem dribbble epicgames facebook foursquare \
         github google instagram line linkedin livejournal mailru meetup mixer odnoklassniki openid patreon paypal \
         pinterest pixelpin reddit skyrock soundcloud spotify stackexchange steam strava tumblr twitch twitter vimeo \
         vkontakte weibo windowslive wordpress xing yahoo yandex youtube";

    #[test]
    fn every_known_slug_is_in_the_table() {
        for (provider, slugs) in [(Provider::WordPress, KEYRING), (Provider::OneAll, ONEALL)] {
            for slug in slugs.split_whitespace() {
                let name = known_service(&key_for(provider, slug));
                assert!(name.is_some_and(|name| name.slugs(provider).contains(&slug)), "{slug}");
                assert_eq!(name.map(|name| name.key.to_owned()), Some(key_for_any_slug(slug)), "{slug}");
            }
            let listed = KNOWN_SERVICES.iter().flat_map(|name| name.slugs(provider)).count();
            assert_eq!(listed, slugs.split_whitespace().count());
        }
        assert_eq!(key_for_any_slug("microsoft"), "microsoft");
        assert_eq!(key_for_any_slug("brand_new"), "brand_new");
    }

    #[test]
    fn hosts_match_their_service_only() {
        assert!(HOSTS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(HOSTS.iter().all(|(_, key)| known_service(key).is_some()));
        assert!(is_host_of("twitter", "x.com") && is_host_of("google", "plus.google.com"));
        assert!(!is_host_of("twitter", "nottwitter.com") && !is_host_of("twitter", "twitter.com.example"));
        assert!(!is_main_host_of("google", "plus.google.com") && is_main_host_of("twitter", "x.com"));
        assert!(is_domain_of("microsoft", "windowslive.com") && is_domain_of("google", "Google.com"));
        assert!(!is_domain_of("google", "twitter.com") && !is_domain_of("google", ""));
    }

    #[test]
    fn the_table_is_sorted_and_slugs_are_unique() {
        assert!(KNOWN_SERVICES.is_sorted_by(|a, b| a.key < b.key));
        for provider in Provider::ALL {
            let mut slugs: Vec<_> = KNOWN_SERVICES.iter().flat_map(|name| name.slugs(provider)).collect();
            let count = slugs.len();
            slugs.sort_unstable();
            slugs.dedup();
            assert_eq!(slugs.len(), count);
        }
    }
}

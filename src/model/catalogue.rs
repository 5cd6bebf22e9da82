//! The one table of services: our key for each, its name, and how each provider spells it.
//!
//! OneAll has no endpoint that describes its services; the keys are those its own WordPress plugin lists. A slug that is
//! not here is its own key, so a service that a provider adds tomorrow works today, under the name the provider uses.

use super::Provider;

/// How one service is called.
#[derive(Debug, PartialEq, Eq)]
pub struct Name {
    /// Our key.
    pub key: &'static str,
    /// The name to show.
    pub label: &'static str,
    /// How WordPress.com spells it, the current spelling first; empty where it does not know the service.
    pub wordpress: &'static [&'static str],
    /// How OneAll spells it; empty where it does not know the service.
    pub oneall: &'static [&'static str],
}

const fn both(key: &'static str, label: &'static str, spelling: &'static [&'static str]) -> Name {
    Name { key, label, wordpress: spelling, oneall: spelling }
}

const fn oneall(key: &'static str, label: &'static str, spelling: &'static [&'static str]) -> Name {
    Name { key, label, wordpress: &[], oneall: spelling }
}

const fn wordpress(key: &'static str, label: &'static str, spelling: &'static [&'static str]) -> Name {
    Name { key, label, wordpress: spelling, oneall: &[] }
}

/// Every service whose name is known beforehand, by key.
pub const NAMES: &[Name] = &[
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
    Name { key: "google", label: "Google", wordpress: &["google_plus"], oneall: &["google"] },
    wordpress("google_my_business", "Google Business Profile", &["google_my_business"]),
    wordpress("google_site_verification", "Google Site Verification", &["google_site_verification"]),
    Name {
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

/// Our key for what a provider calls `slug`.
pub fn key_of(provider: Provider, slug: &str) -> String {
    let spelled = |name: &&Name| name.spelling(provider).contains(&slug);
    NAMES.iter().find(spelled).map_or_else(|| slug.to_owned(), |name| name.key.to_owned())
}

/// The service with this key, if it is in the table.
pub fn named(key: &str) -> Option<&'static Name> {
    NAMES.iter().find(|name| name.key == key)
}

/// WordPress.com's slug for the service with this key.
pub fn wordpress_slug(key: &str) -> &str {
    named(key).and_then(|name| name.wordpress.first().copied()).unwrap_or(key)
}

impl Name {
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
        assert_eq!(key_of(Provider::WordPress, "google_plus"), "google");
        assert_eq!(key_of(Provider::OneAll, "google"), "google");
        assert_eq!(key_of(Provider::OneAll, "windowslive"), "microsoft");
        assert_eq!(key_of(Provider::OneAll, "brand_new"), "brand_new");
    }

    #[test]
    fn the_table_is_sorted_and_no_spelling_stands_for_two_services() {
        assert!(NAMES.is_sorted_by(|a, b| a.key < b.key));
        for provider in Provider::ALL {
            let mut spellings: Vec<_> = NAMES.iter().flat_map(|name| name.spelling(provider)).collect();
            let all = spellings.len();
            spellings.sort_unstable();
            spellings.dedup();
            assert_eq!(spellings.len(), all);
        }
    }
}

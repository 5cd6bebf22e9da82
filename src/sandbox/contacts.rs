//! One identity with every field of the Portable Contacts template, those that no recording shows included.
//!
//! It stands apart so that the list of identities stays readable.

use serde_json::{Value, json};

use super::answer::with;

/// The fields that a plain identity lacks or has in a poorer form.
pub(super) fn full() -> Value {
    with(person(), life())
}

/// Who someone is and how they are reached.
fn person() -> Value {
    json!({
        "name": {
            "honorificPrefix": "Dr.", "givenName": "Jules", "middleName": "Marie", "familyName": "Verity",
            "honorificSuffix": "PhD", "formatted": "Dr. Jules Marie Verity, PhD", "nickName": "Jools",
            "displayName": "Jules V.",
        },
        "preferredUsername": "Jules Verity",
        "thumbnailUrl": "https://img.example/jules-thumb.jpg",
        "currentLocation": "Esch, Luxembourg",
        "aboutMe": "Keeps bees.\nWrites about them.",
        "note": "Met at the fair",
        "birthday": "02/29/1984",
        "gender": "female",
        "utcOffset": "-5:30",
        "roles": [{"value": "editor"}, {"value": "beekeeper"}],
        "relationship": {"status": "married", "interested_in": "friends"},
        "emails": [
            {"value": "jules@mail.example", "is_verified": true},
            {"value": "jules@work.example", "is_verified": "true"},
            {"value": "jules@old.example", "is_verified": 1},
            {"value": "jules@unproved.example"},
            {"value": "jules@refused.example", "is_verified": false},
        ],
        "urls": [
            {"value": "https://jules.example/", "type": "profile"},
            {"value": "https://bees.example/", "type": "blog"},
        ],
        "accounts": [
            {"domain": "live.com", "userid": "jv-000012"},
            {"domain": "bees.example", "userid": "12", "username": "jules"},
        ],
        "photos": [
            {"value": "https://img.example/jules-xs.jpg", "size": "2:XS"},
            {"value": "https://img.example/jules-s.jpg", "size": "3:S"},
            {"value": "https://img.example/jules-m.jpg", "size": "4:M"},
            {"value": "https://img.example/jules-l.jpg", "size": "5:L"},
            {"value": "https://img.example/jules-old.jpg", "type": "thumbnail"},
        ],
        "phoneNumbers": [{"value": "+352 000 000", "type": "mobile"}, {"value": "000 111"}],
        "addresses": [
            {"formatted": "1 Hive Lane, Esch"},
            {
                "type": "billing", "companyName": "Bees & Co", "firstName": "Jules", "middleName": "Marie",
                "lastName": "Verity", "phoneNumber": "+352 000 000", "faxNumber": "+352 000 001",
                "streetAddress": "1 Hive Lane", "complement": "back door", "locality": "Esch", "region": "Sud",
                "postalCode": "4001", "code": "LU", "country": "Luxembourg",
            },
        ],
    })
}

/// What someone does, speaks and likes.
fn life() -> Value {
    json!({
        "languages": [
            {"value": "fr", "proficiency": "native", "description": "French"},
            {"value": "lb", "type": "spoken"},
        ],
        "locales": [{"value": "fr_LU", "description": "French (Luxembourg)"}],
        "interests": [{"value": "Bees", "category": "Animals"}, {"value": "Maps"}],
        "organizations": [
            {
                "name": "Bees & Co", "title": "Founder", "department": "Hives", "startDate": "2010-05-01",
                "endDate": "", "location": "Esch", "industry": "Honey", "type": "company", "current": true,
            },
            {
                "name": "Map Club", "title": "Keeper", "description": "Folded the maps.", "startDate": "2001",
                "endDate": "2009-12-31", "type": "club", "current": false,
            },
            {"title": "Nameless post"},
        ],
        "educations": [{"value": "University of Esch", "type": "university"}, {"value": "School of Maps"}],
        "certifications": [
            {"name": "Master Beekeeper", "number": "MB-12", "authority": "Guild of Bees", "startDate": "2015-01-01"},
            {"name": "First Aid"},
        ],
        "recommendations": [
            {"value": "Honest honey.", "recommender": {"displayName": "Ada Reed", "id": "https://fen.example/ada"}},
            {"value": "Good maps."},
        ],
        "customData": {"tier": "gold", "points": 12, "nested": {"list": [1, "two", null]}},
        "source": {
            "name": "Windows Live",
            "key": "windowslive",
            "access_token": {
                "key": "canary-access-token-12",
                "secret": "canary-access-secret-12",
                "date_expiration": "11/02/2030 09:07:02",
            },
            "refresh_token": {"key": "canary-refresh-token-12"},
        },
        "browser": {
            "agent": "Mozilla/5.0 (Macintosh)", "type": "Safari", "version": {"major": "15", "full": "15.6.1"},
            "platform": {"name": "macOS", "type": "desktop"},
        },
    })
}

//! Styles, and what a bucket allows of processing.

use bytes::Bytes;
use osier_types::{ProcessingConfig, Style};

use super::Xml;
use crate::date::http_date;

pub(in crate::oss::reply) fn style(style: &Style) -> Bytes {
    Xml::document("Style", |xml| write_style(xml, style))
}

pub(in crate::oss::reply) fn styles(styles: &[Style]) -> Bytes {
    Xml::document("StyleList", |xml| {
        for style in styles {
            xml.within("Style", |xml| write_style(xml, style));
        }
    })
}

fn write_style(xml: &mut Xml, style: &Style) {
    xml.text("Name", style.name.as_str());
    xml.text("Content", &style.content);
    xml.text("Category", style.category.as_str());
    // Unlike all other documents these have the dates of HTTP.
    xml.text("CreateTime", &http_date(style.created));
    xml.text("LastModifyTime", &http_date(style.modified));
}

pub(in crate::oss::reply) fn configuration(config: &ProcessingConfig) -> Bytes {
    let switch = |on| if on { "Enabled" } else { "Disabled" };
    Xml::document("BucketProcessConfiguration", |xml| {
        let host = match config.complied_host.as_str() {
            "" => "Both",
            host => host,
        };
        xml.text("CompliedHost", host);
        xml.text("SourceFileProtect", switch(config.protected));
        xml.text("SourceFileProtectSuffix", &config.suffixes.join(","));
        let delimiters: Vec<_> = config
            .delimiters
            .iter()
            .map(|delimiter| delimiter.as_str())
            .collect();
        xml.text("StyleDelimiters", &delimiters.join(","));
        xml.text("OssDomainSupportAtProcess", switch(config.at_process));
        xml.text("Version", "2");
    })
}

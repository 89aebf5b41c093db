//! What serde's attributes say of a type, a member or a variant, as far as reading goes.

use syn::{Attribute, ExprPath, LitStr, Token};

/// What stands for a member that is absent.
#[derive(Default)]
pub(crate) enum Absent {
    /// Nothing: the object is refused.
    #[default]
    Refused,
    /// The default of its type.
    Default,
    /// What a function says.
    Path(Box<ExprPath>),
}

/// The attributes together.
#[derive(Default)]
pub(crate) struct Attributes {
    pub(crate) absent: Absent,
    pub(crate) deny_unknown_fields: bool,
    pub(crate) flatten: bool,
    pub(crate) skip: bool,
    pub(crate) untagged: bool,
    rename: Option<String>,
    rename_all: Option<String>,
}

impl Attributes {
    pub(crate) fn of(attributes: &[Attribute]) -> syn::Result<Attributes> {
        let mut all = Attributes::default();
        for attribute in attributes {
            if !attribute.path().is_ident("serde") {
                continue;
            }
            attribute.parse_nested_meta(|meta| {
                let text = |meta: &syn::meta::ParseNestedMeta<'_>| -> syn::Result<LitStr> {
                    meta.value()?.parse()
                };
                if meta.path.is_ident("default") {
                    all.absent = if meta.input.peek(Token![=]) {
                        Absent::Path(Box::new(text(&meta)?.parse()?))
                    } else {
                        Absent::Default
                    };
                } else if meta.path.is_ident("deny_unknown_fields") {
                    all.deny_unknown_fields = true;
                } else if meta.path.is_ident("flatten") {
                    all.flatten = true;
                } else if meta.path.is_ident("skip") {
                    all.skip = true;
                } else if meta.path.is_ident("untagged") {
                    all.untagged = true;
                } else if meta.path.is_ident("rename") {
                    all.rename = Some(text(&meta)?.value());
                } else if meta.path.is_ident("rename_all") {
                    all.rename_all = Some(text(&meta)?.value());
                } else if meta.path.is_ident("skip_serializing_if") {
                    text(&meta)?;
                } else {
                    return Err(meta.error("this attribute is not known to the reader"));
                }
                Ok(())
            })?;
        }
        Ok(all)
    }

    /// The name of a member on the wire.
    pub(crate) fn member(&self, container: &Attributes, name: &str) -> String {
        let name = name.strip_prefix("r#").unwrap_or(name);
        self.rename
            .clone()
            .unwrap_or_else(|| match &container.rename_all {
                Some(rule) if rule == "camelCase" => camel(name),
                _ => name.to_owned(),
            })
    }

    /// The name of a variant on the wire.
    pub(crate) fn variant(&self, container: &Attributes, name: &str) -> String {
        self.rename
            .clone()
            .unwrap_or_else(|| match container.rename_all.as_deref() {
                Some("camelCase") => camel(&snake(name)),
                Some("snake_case") => snake(name),
                Some("SCREAMING_SNAKE_CASE") => snake(name).to_uppercase(),
                Some("lowercase") => name.to_lowercase(),
                _ => name.to_owned(),
            })
    }
}

fn camel(snake: &str) -> String {
    let mut name = String::new();
    let mut is_next_upper = false;
    for letter in snake.chars() {
        if letter == '_' {
            is_next_upper = true;
        } else if std::mem::take(&mut is_next_upper) {
            name.push(letter.to_ascii_uppercase());
        } else {
            name.push(letter);
        }
    }
    name
}

fn snake(pascal: &str) -> String {
    let mut name = String::new();
    for letter in pascal.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn names_are_written_as_the_type_says() {
        let container = |rule: &str| {
            Attributes::of(&[parse_quote!(#[serde(rename_all = #rule)])]).expect("a rule")
        };
        let bare = Attributes::default();
        for (rule, member, variant) in [
            ("camelCase", "retryAfterMs", "userCode"),
            ("snake_case", "retry_after_ms", "user_code"),
            ("SCREAMING_SNAKE_CASE", "retry_after_ms", "USER_CODE"),
            ("lowercase", "retry_after_ms", "usercode"),
        ] {
            assert_eq!(
                bare.member(&container(rule), "retry_after_ms"),
                member,
                "{rule}"
            );
            assert_eq!(
                bare.variant(&container(rule), "UserCode"),
                variant,
                "{rule}"
            );
        }
        let renamed =
            Attributes::of(&[parse_quote!(#[serde(rename = "runs:write")])]).expect("a name");
        assert_eq!(renamed.variant(&bare, "RunsWrite"), "runs:write");
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(Attributes::of(&[parse_quote!(#[serde(tag = "kind")])]).is_err());
        assert!(
            Attributes::of(&[
                parse_quote!(#[serde(default = "one", skip_serializing_if = "is_one")])
            ])
            .is_ok()
        );
    }
}

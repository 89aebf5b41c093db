//! A type is read out of JSON by a table of its members, and not by code of its own.
//!
//! What serde's attributes say of a type is said once: its own derives and this one go by the same.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DataEnum, DeriveInput, Fields, FieldsNamed, Ident, Type};

use crate::attributes::{Absent, Attributes};

mod attributes;

/// Derives `Decode` of core's reader, for structs with named members and for enums.
#[proc_macro_derive(Decode, attributes(serde))]
pub fn decode(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    expand(&input)
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}

fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let name = &input.ident;
    let container = Attributes::of(&input.attrs)?;
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if matches!(container.absent, Absent::Default) => {
                in_place(name, &container, fields)?
            }
            Fields::Named(fields) => {
                let what = format!("struct {name}");
                let read = members(&what, &quote!(#name), &container, fields)?;
                quote!(Ok({ #read }))
            }
            fields => return Err(syn::Error::new_spanned(fields, "only named members")),
        },
        Data::Enum(data) if container.untagged => untagged(name, data)?,
        Data::Enum(data) => choice(name, &container, data)?,
        Data::Union(_) => return Err(syn::Error::new_spanned(name, "a union has no members")),
    };
    Ok(quote! {
        impl ::arcoflow_core::wire::reader::Decode for #name {
            fn decode(
                reader: &mut ::arcoflow_core::wire::reader::Reader<'_>,
            ) -> Result<Self, ::arcoflow_core::wire::reader::Fault> {
                #body
            }
        }
    })
}

/// The members of a struct that has a value for each of them, written into that value.
fn in_place(
    name: &Ident,
    container: &Attributes,
    fields: &FieldsNamed,
) -> syn::Result<TokenStream> {
    let what = format!("struct {name}");
    let is_strict = container.deny_unknown_fields;
    let mut names = Vec::new();
    let mut slots = Vec::new();
    for field in &fields.named {
        let ident = &field.ident;
        names.push(
            Attributes::of(&field.attrs)?
                .member(container, &ident.as_ref().unwrap_or(name).to_string()),
        );
        slots.push(quote!(&mut value.#ident));
    }
    Ok(quote! {
        const TABLE: ::arcoflow_core::wire::reader::Table = ::arcoflow_core::wire::reader::Table {
            what: #what,
            names: &[#(#names),*],
            needed: 0,
            is_strict: #is_strict,
        };
        let mut value = <Self as Default>::default();
        reader.members(&TABLE, &mut [#(#slots),*])?;
        Ok(value)
    })
}

/// An expression that reads an object and makes `path` of it.
fn members(
    what: &str,
    path: &TokenStream,
    container: &Attributes,
    fields: &FieldsNamed,
) -> syn::Result<TokenStream> {
    let is_strict = container.deny_unknown_fields;
    let mut needed = 0_u64;
    let mut names = Vec::new();
    let mut starts = Vec::new();
    let mut slots = Vec::new();
    let mut ends = Vec::new();
    let mut rest = Vec::new();
    let mut takes_others = false;
    for (place, field) in fields.named.iter().enumerate() {
        let attributes = Attributes::of(&field.attrs)?;
        let (ident, kind) = (&field.ident, &field.ty);
        let slot = format_ident!("member_{place}");
        if attributes.skip {
            ends.push(quote!(#ident: <#kind as Default>::default()));
            continue;
        }
        if attributes.flatten {
            takes_others |= is_named(kind, "Map");
            rest.push(rest_of(&slot, kind));
            ends.push(quote!(#ident: #slot));
            continue;
        }
        match (&attributes.absent, is_named(kind, "Option")) {
            (Absent::Path(path), _) => starts.push(quote!(let mut #slot: #kind = #path();)),
            (Absent::Default, _) | (Absent::Refused, true) => {
                starts.push(quote!(let mut #slot = <#kind as Default>::default();));
            }
            (Absent::Refused, false) => {
                needed |= 1 << names.len();
                starts.push(
                    quote!(let mut #slot = ::arcoflow_core::wire::reader::Needed::<#kind>::new();),
                );
                ends.push(quote!(#ident: #slot.value()?));
                slots.push(slot);
                names.push(attributes.member(container, &name_of(ident)));
                continue;
            }
        }
        ends.push(quote!(#ident: #slot));
        slots.push(slot);
        names.push(attributes.member(container, &name_of(ident)));
    }
    let note = takes_others.then(|| quote!(let has_others =));
    let read = quote!(#note reader.members(&TABLE, &mut [#(&mut #slots),*])?;);
    let read = if rest.is_empty() {
        read
    } else {
        quote! {
            let start = reader.place();
            #read
            let end = reader.place();
            #(#rest)*
            reader.go(end);
        }
    };
    Ok(quote! {
        const TABLE: ::arcoflow_core::wire::reader::Table = ::arcoflow_core::wire::reader::Table {
            what: #what,
            names: &[#(#names),*],
            needed: #needed,
            is_strict: #is_strict,
        };
        #(#starts)*
        #read
        #path { #(#ends),* }
    })
}

/// What is flattened is read from the same object once more: a map takes what is left of it.
fn rest_of(slot: &Ident, kind: &Type) -> TokenStream {
    if is_named(kind, "Map") {
        quote! {
            let mut #slot = <#kind as Default>::default();
            if has_others {
                reader.go(start);
                #slot = reader.rest(TABLE.names)?;
            }
        }
    } else {
        quote!(reader.go(start); let #slot = reader.value()?;)
    }
}

/// One of several shapes, told apart by its name.
fn choice(name: &Ident, container: &Attributes, data: &DataEnum) -> syn::Result<TokenStream> {
    let what = format!("enum {name}");
    let mut names = Vec::new();
    let mut arms = Vec::new();
    for variant in &data.variants {
        let attributes = Attributes::of(&variant.attrs)?;
        let ident = &variant.ident;
        names.push(attributes.variant(container, &ident.to_string()));
        arms.push(match &variant.fields {
            Fields::Unit => quote!({ choice.bare(reader)?; Self::#ident }),
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                quote!({ choice.content("newtype variant")?; Self::#ident(reader.value()?) })
            }
            Fields::Named(fields) => {
                let what = format!("struct variant {name}::{ident}");
                let read = members(&what, &quote!(Self::#ident), &attributes, fields)?;
                quote!({ choice.content("struct variant")?; #read })
            }
            fields => {
                return Err(syn::Error::new_spanned(
                    fields,
                    "one value, or named members",
                ));
            }
        });
    }
    if data
        .variants
        .iter()
        .all(|variant| matches!(variant.fields, Fields::Unit))
    {
        let places = 0..data.variants.len();
        let idents = data.variants.iter().map(|variant| &variant.ident);
        return Ok(quote! {
            match reader.name(#what, &[#(#names),*])? {
                #(#places => Ok(Self::#idents),)*
                _ => Err(reader.lost()),
            }
        });
    }
    let places = 0..arms.len();
    Ok(quote! {
        reader.choice(#what, &[#(#names),*], &mut |reader, choice| {
            Ok(match choice.place {
                #(#places => #arms)*
                _ => return Err(reader.lost()),
            })
        })
    })
}

/// The first of several shapes that fits.
fn untagged(name: &Ident, data: &DataEnum) -> syn::Result<TokenStream> {
    let sentence = format!("data did not match any variant of untagged enum {name}");
    let mut tries = Vec::new();
    for variant in &data.variants {
        let ident = &variant.ident;
        match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => tries.push(quote! {
                if let Some(value) = trial.value(reader) {
                    return Ok(Self::#ident(value));
                }
            }),
            fields => return Err(syn::Error::new_spanned(fields, "one value")),
        }
    }
    Ok(quote! {
        let trial = reader.trial()?;
        #(#tries)*
        Err(trial.none(#sentence))
    })
}

fn name_of(ident: &Option<Ident>) -> String {
    ident.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn is_named(kind: &Type, name: &str) -> bool {
    matches!(kind, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}

//! Routes with their lines in the document of the API: what is served and what is described come from one table.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodRouter, delete, get, head, post};
use http::StatusCode;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, Paths,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, Info, OpenApi, OpenApiBuilder, Required, ResponseBuilder, ResponsesBuilder,
};

use crate::api::Api;

/// A field of a request that is honoured: its name, its types, and what it means.
pub(crate) type Field = (&'static str, &'static [Type], &'static str);

/// It is a text.
pub(crate) const TEXT: &[Type] = &[Type::String];
/// It is a switch.
pub(crate) const SWITCH: &[Type] = &[Type::Boolean];
/// It is a number.
pub(crate) const NUMBER: &[Type] = &[Type::Integer];
/// It is a list.
pub(crate) const LIST: &[Type] = &[Type::Array];
/// It is an object.
pub(crate) const OBJECT: &[Type] = &[Type::Object];
/// It is a text or an object.
pub(crate) const TEXT_OR_OBJECT: &[Type] = &[Type::String, Type::Object];
/// It is a text or a list.
pub(crate) const TEXT_OR_LIST: &[Type] = &[Type::String, Type::Array];
/// It is a switch or a text.
pub(crate) const SWITCH_OR_TEXT: &[Type] = &[Type::Boolean, Type::String];
/// It is a number or a text.
pub(crate) const NUMBER_OR_TEXT: &[Type] = &[Type::Number, Type::String];

/// Where the document is.
pub(crate) const DOCUMENT: &str = "/openapi.json";

/// What a route answers with when all is well.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// JSON.
    Json,
    /// JSON, or events if the request asks for a stream.
    JsonOrEvents,
    /// JSON, or lines of JSON if the request does not refuse a stream.
    JsonOrLines,
    /// Plain text.
    Text,
    /// Never well: this is not supported.
    Unsupported,
}

/// Routes of a dialect.
pub(crate) struct Routes {
    tag: &'static str,
    router: Router<Api>,
    paths: Paths,
}

impl Routes {
    /// None yet.
    pub(crate) fn new(tag: &'static str) -> Self {
        Self { tag, router: Router::new(), paths: Paths::new() }
    }

    /// `GET`, and with it `HEAD`.
    pub(crate) fn get<H, T>(self, path: &str, summary: &str, answer: Answer, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        self.add(path, HttpMethod::Get, summary, None, answer, get(handler))
    }

    /// `POST` with a JSON body, of which these fields are honoured.
    pub(crate) fn post<H, T>(
        self,
        path: &str,
        summary: &str,
        body: &[Field],
        answer: Answer,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        self.add(path, HttpMethod::Post, summary, Some(body), answer, post(handler))
    }

    /// `DELETE`.
    pub(crate) fn delete<H, T>(self, path: &str, summary: &str, answer: Answer, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        self.add(path, HttpMethod::Delete, summary, None, answer, delete(handler))
    }

    /// `HEAD` alone.
    pub(crate) fn head<H, T>(self, path: &str, summary: &str, answer: Answer, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        self.add(path, HttpMethod::Head, summary, None, answer, head(handler))
    }

    fn add(
        mut self,
        path: &str,
        method: HttpMethod,
        summary: &str,
        body: Option<&[Field]>,
        answer: Answer,
        route: MethodRouter<Api>,
    ) -> Self {
        self.router = self.router.route(path, route);
        // A rest of the path is a parameter like any other to the document.
        let path = path.replace("{*", "{");
        let operation = operation(self.tag, &path, summary, body, answer);
        self.paths.add_path_operation(path, vec![method], operation);
        self
    }

    /// Both dialects' routes.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.paths.merge(other.paths);
        self
    }

    /// The router, and the document that describes it.
    pub(crate) fn finish(mut self) -> (Router<Api>, OpenApi) {
        let operation = operation(self.tag, DOCUMENT, "This document.", None, Answer::Json);
        self.paths.paths.insert(DOCUMENT.to_owned(), PathItem::new(HttpMethod::Get, operation));
        let mut info = Info::new("Wormhole", wormhole_runtime::VERSION);
        info.description = Some("Chat sites behind the APIs of OpenAI, Anthropic and Ollama.".to_owned());
        let mut components = Components::new();
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("key", bearer);
        let document = OpenApiBuilder::new().info(info).paths(self.paths).components(Some(components));
        // Without configured keys everybody may call.
        let security = [SecurityRequirement::new("key", [""; 0]), SecurityRequirement::default()];
        (self.router, document.security(Some(security)).build())
    }
}

fn operation(tag: &str, path: &str, summary: &str, body: Option<&[Field]>, answer: Answer) -> Operation {
    let mut operation = OperationBuilder::new().tag(tag).summary(Some(summary));
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
        let text = ObjectBuilder::new().schema_type(Type::String);
        operation = operation.parameter(parameter.required(Required::True).schema(Some(text)).build());
    }
    if let Some(fields) = body {
        let content = Content::new(Some(schema(fields)));
        let body = RequestBodyBuilder::new().content("application/json", content);
        operation = operation.request_body(Some(body.required(Some(Required::True)).build()));
    }
    let json = || Content::new(Some(free()));
    let text = || Content::new(Some(Schema::from(ObjectBuilder::new().schema_type(Type::String).build())));
    let well = ResponseBuilder::new().description("The answer.");
    let well = match answer {
        Answer::Json => Some(well.content("application/json", json())),
        Answer::JsonOrEvents => {
            Some(well.content("application/json", json()).content("text/event-stream", text()))
        }
        Answer::JsonOrLines => {
            Some(well.content("application/json", json()).content("application/x-ndjson", text()))
        }
        Answer::Text => Some(well.content("text/plain", text())),
        Answer::Unsupported => None,
    };
    let mut responses = ResponsesBuilder::new();
    if let Some(well) = well {
        responses = responses.response("200", well.build());
    } else {
        let refused = ResponseBuilder::new().description("Not supported, and why.");
        let status = StatusCode::NOT_IMPLEMENTED.as_str();
        responses = responses.response(status, refused.content("application/json", json()).build());
    }
    let failed = ResponseBuilder::new().description("An error, in the shape that this dialect has for them.");
    let failed = failed.content("application/json", json()).build();
    operation.responses(responses.response("default", failed).build()).build()
}

/// An object with these fields. Others are accepted: what is not honoured is named in a header of the answer.
fn schema(fields: &[Field]) -> Schema {
    let mut object = ObjectBuilder::new();
    for (name, types, meaning) in fields {
        let field = ObjectBuilder::new()
            .schema_type(types.iter().cloned().collect::<utoipa::openapi::schema::SchemaType>());
        object = object.property(*name, field.description(Some(*meaning)));
    }
    object.additional_properties(Some(AdditionalProperties::FreeForm(true))).build().into()
}

fn free() -> Schema {
    schema(&[])
}

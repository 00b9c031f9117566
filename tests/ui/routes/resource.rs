use actix_web::web;
use secure_runtime::Routes;

fn routes(routes: &mut Routes) {
    routes.service(web::resource("/"));
}

fn main() {}

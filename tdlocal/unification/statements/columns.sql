{{ columns }}

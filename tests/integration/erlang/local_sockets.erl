%% SPDX-License-Identifier: Apache-2.0
%% UNIX sockets through gen_tcp, gen_udp and the socket module: servers and clients, active and passive, packets, half closed, errors.
-module(local_sockets).
-export([main/0]).

main() ->
    ok = file:set_cwd("/tmp"),
    {ok, Listen} = gen_tcp:listen(0, [local, {ifaddr, {local, "listen"}}, binary, {packet, 4}, {active, false}, {backlog, 64}]),
    [spawn_link(fun() -> server(Listen) end) || _ <- lists:seq(1, 4)],
    io:format("20 clients: ~p~n", [lists:sum(parallel([fun() -> client(N) end || N <- lists:seq(1, 20)]))]),
    io:format("active: ~p~n", [active()]),
    gen_tcp:close(Listen),
    io:format("errors: ~p~n", [[gen_tcp:connect({local, "listen"}, 0, [local]), gen_tcp:connect({local, "none"}, 0, [local]),
                                gen_tcp:listen(0, [local, {ifaddr, {local, "/none/x"}}])]]),
    half_closed(), datagrams(), module(),
    io:format("large: ~p~n", [large(20000000)]).

server(Listen) ->
    case gen_tcp:accept(Listen) of
        {ok, Socket} -> spawn_link(fun() -> server(Listen) end), serve(Socket);
        {error, closed} -> ok
    end.

serve(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, <<"slow">>} -> timer:sleep(50), ok = gen_tcp:send(Socket, "done"), serve(Socket);
        {ok, Data} -> ok = gen_tcp:send(Socket, [Data, Data]), serve(Socket);
        {error, closed} -> gen_tcp:close(Socket)
    end.

client(N) ->
    {ok, Socket} = gen_tcp:connect({local, "listen"}, 0, [local, binary, {packet, 4}, {active, false}]),
    Sum = lists:sum([begin
        Text = binary:copy(<<"x">>, N * I),
        ok = gen_tcp:send(Socket, Text),
        {ok, Answer} = gen_tcp:recv(Socket, 0, 60000),
        Answer = <<Text/binary, Text/binary>>,
        byte_size(Answer)
    end || I <- lists:seq(1, 100)]),
    ok = gen_tcp:close(Socket),
    Sum.

active() ->
    {ok, Socket} = gen_tcp:connect({local, "listen"}, 0, [local, binary, {packet, 4}, {active, once}]),
    ok = gen_tcp:send(Socket, "slow"),
    First = receive {tcp, Socket, Data} -> Data end,
    ok = gen_tcp:send(Socket, "slow"),
    timeout = receive {tcp, Socket, _} -> more after 200 -> timeout end,
    inet:setopts(Socket, [{active, true}]),
    Second = receive {tcp, Socket, More} -> More end,
    gen_tcp:shutdown(Socket, write),
    receive {tcp_closed, Socket} -> {First, Second} end.

%% What is written before the end arrives, and can be answered.
half_closed() ->
    {ok, Listen} = gen_tcp:listen(0, [local, {ifaddr, {local, "half"}}, binary, {active, false}, {exit_on_close, false}]),
    spawn_link(fun() ->
        {ok, Socket} = gen_tcp:accept(Listen),
        gen_tcp:send(Socket, ["read ", integer_to_binary(byte_size(all(Socket, [])))]),
        gen_tcp:close(Socket)
    end),
    {ok, Socket} = gen_tcp:connect({local, "half"}, 0, [local, binary, {active, false}]),
    [ok = gen_tcp:send(Socket, binary:copy(<<"y">>, 1000)) || _ <- lists:seq(1, 500)],
    ok = gen_tcp:shutdown(Socket, write),
    io:format("half closed: ~p~n", [all(Socket, [])]),
    gen_tcp:close(Socket), gen_tcp:close(Listen).

all(Socket, Seen) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Data} -> all(Socket, [Seen, Data]);
        {error, closed} -> iolist_to_binary(Seen)
    end.

datagrams() ->
    [{ok, A}, {ok, B}] = [gen_udp:open(0, [local, {ifaddr, {local, Name}}, binary]) || Name <- ["a", "b"]],
    [ok = gen_udp:send(A, {local, "b"}, 0, <<N:32>>) || N <- lists:seq(1, 5)],
    io:format("datagrams: ~p~n", [[receive {udp, B, From, _, Data} -> {From, Data} end || _ <- lists:seq(1, 5)]]),
    io:format("no peer: ~p~n", [gen_udp:send(A, {local, "c"}, 0, "x")]).

module() ->
    {ok, Listen} = socket:open(local, stream),
    ok = socket:bind(Listen, #{family => local, path => "module"}),
    ok = socket:listen(Listen),
    Main = self(),
    spawn_link(fun() ->
        {ok, Socket} = socket:accept(Listen),
        {ok, Data} = socket:recv(Socket, 11),
        ok = socket:send(Socket, string:uppercase(Data)),
        Main ! socket:recv(Socket, 0, 5000)
    end),
    {ok, Socket} = socket:open(local, stream),
    ok = socket:connect(Socket, #{family => local, path => "module"}),
    ok = socket:send(Socket, "hello "), timer:sleep(20), ok = socket:send(Socket, "world"),
    io:format("socket module: ~p~n", [socket:recv(Socket, 11)]),
    {select, {select_info, _, Ref}} = socket:recv(Socket, 0, nowait),
    ok = socket:cancel(Socket, {select_info, recv, Ref}),
    ok = socket:close(Socket),
    io:format("its end: ~p~n", [receive {error, End} -> End end]).

large(Size) ->
    {ok, Listen} = gen_tcp:listen(0, [local, {ifaddr, {local, "large"}}, binary, {active, false}]),
    Main = self(),
    spawn_link(fun() -> {ok, Socket} = gen_tcp:accept(Listen), Main ! {crc, erlang:crc32(all(Socket, []))} end),
    {ok, Socket} = gen_tcp:connect({local, "large"}, 0, [local, binary]),
    Data = binary:copy(<<"0123456789">>, Size div 10),
    ok = gen_tcp:send(Socket, Data),
    ok = gen_tcp:close(Socket),
    receive {crc, Crc} -> Crc =:= erlang:crc32(Data) end.

parallel(Funs) ->
    Main = self(),
    [receive {Pid, Result} -> Result end || Pid <- [spawn_link(fun() -> Main ! {self(), Fun()} end) || Fun <- Funs]].
